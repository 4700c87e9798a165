#include "core/errors.hpp"
#include "tools/gpu/gpu_backend.hpp"

namespace regroup::tools {

OpenedBackend open_gpus(const Experiment&, const models::Platform&) {
  fail<CudaError>(
      "this regroup was built without CUDA: --on cuda needs one that was built where nvcc is "
      "found; --on sim and --on host do not");
}

}  // namespace regroup::tools
