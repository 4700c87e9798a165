// A node whose ranks are threads of its process.
#pragma once

#include <functional>
#include <memory>

#include "runtime/cluster/node_server.hpp"
#include "runtime/host/compute.hpp"

namespace regroup::cluster {

// Makes what a rank computes; empty: host::timed_compute.
using MakeCompute = std::function<std::unique_ptr<host::Compute>(int rank, collectives::World&)>;

// For NodeSpec::backend "host".
NodeOptions host_node(const NodeSpec& spec, MakeCompute compute = {});

}  // namespace regroup::cluster
