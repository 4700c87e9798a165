// What carries decisions out, made from the description of an experiment.
#pragma once

#include <memory>

#include "core/backend.hpp"
#include "core/summary_json.hpp"
#include "models/platform.hpp"
#include "runtime/cluster/node_server.hpp"
#include "tools/experiment.hpp"

namespace regroup::tools {

struct OpenedBackend {
  std::unique_ptr<Backend> backend;
  ConfigBlock machine;  // what it found to run on, for the provenance of results
};

// By Experiment::on: "sim", "host" or "cuda". `catalog` must outlive the backend. Throws
// ConfigError for a flag that this backend does not know, and CudaError where there is no GPU to
// run on.
OpenedBackend open_backend(const Experiment& experiment, const models::Platform& catalog);

// --fault and --fail as faults of ranks. ConfigError: a repair, which ranks do not have.
std::vector<serve::Fault> faults_of_ranks(const Experiment& experiment);

// What a process of a job makes, as the first one says. ConfigError: no such backend.
cluster::NodeOptions make_node(const cluster::NodeSpec& spec);

}  // namespace regroup::tools
