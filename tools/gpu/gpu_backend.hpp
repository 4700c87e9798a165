// The backend of --on cuda. Two sources implement this: one for builds with CUDA, and one that says
// that this build has none.
#pragma once

#include "tools/backends.hpp"

namespace regroup::tools {

// `platform` outlives the backend. ConfigError: flags that cannot be. CudaError, one line: what is
// missing to run on a GPU.
OpenedBackend open_gpus(const Experiment& experiment, const models::Platform& platform);

}  // namespace regroup::tools
