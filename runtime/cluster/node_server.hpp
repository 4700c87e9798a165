// A node at work: what the process of a node does from its start to its end.
#pragma once

#include <functional>

#include "runtime/cluster/node_ranks.hpp"
#include "runtime/cluster/transport.hpp"

namespace regroup::cluster {

// What the ranks of a node are made of. ConfigError, CudaError: they cannot be made here.
using MakeNode = std::function<NodeOptions(const NodeSpec&)>;

// Does what the controller says until it says that the process ends, and returns the exit code it
// said. What goes wrong here is told to the controller. SystemError: the controller is gone.
int serve_node(Transport& transport, const MakeNode& make);

}  // namespace regroup::cluster
