// The backend of --on cuda. Two sources implement this: one for builds with CUDA, and one that says
// that this build has none.
#pragma once

#include "tools/backends.hpp"

namespace regroup::tools {

// `platform` outlives the backend. ConfigError: flags that cannot be. CudaError, one line: what is
// missing to run on a GPU.
OpenedBackend open_gpus(const Experiment& experiment, const models::Platform& platform);

// Several processes, each with the GPUs of its node, which --devices names for every one of them:
// what the first tells the others (cluster::NodeSpec::settings), and what they make of it.
std::string gpu_node_settings(const Experiment& experiment);
cluster::NodeOptions make_gpu_node(const cluster::NodeSpec& spec);

}  // namespace regroup::tools
