// In place of cudnn.cpp and cudnn_attention.cpp where the build found no cudnn.h.
#include "core/errors.hpp"
#include "runtime/cuda/ops/cudnn_attention.hpp"

namespace regroup::cuda {

constexpr const char* kMissing = "cuDNN: this program was built without its headers";

std::shared_ptr<const Cudnn> load_cudnn() { fail<CudaError>("{}", kMissing); }
std::string describe(const Cudnn&) { fail<InternalError>("{}", kMissing); }
std::unique_ptr<Attention> cudnn_attention(std::shared_ptr<const Cudnn>, const MathResources&) {
  fail<InternalError>("{}", kMissing);
}

}  // namespace regroup::cuda
