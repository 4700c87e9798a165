#include "runtime/cuda/ops/math_libraries.hpp"

#include "core/errors.hpp"
#include "runtime/cuda/gpu/arming.hpp"
#include "runtime/cuda/ops/cublaslt.hpp"
#include "runtime/cuda/ops/cudnn_attention.hpp"

namespace regroup::cuda {
namespace {

// Says what was loaded, or why own kernels stand in for it.
template <class Load>
std::string try_loading(MathChoice choice, Load load) {
  if (choice == MathChoice::kOwnKernels) return "own kernels";
  try {
    return load();
  } catch (const CudaError& error) {
    if (choice == MathChoice::kLibraries) throw;
    return fmt::format("own kernels ({})", error.what());
  }
}

}  // namespace

MathLibraries::MathLibraries(MathChoice choice) {
  const std::string products = try_loading(choice, [this] {
    cublaslt_ = std::make_unique<const CublasLt>();
    return fmt::format("{} ({})", cublaslt_->name(), cublaslt_->file());
  });
  const std::string attention = try_loading(choice, [this] {
    cudnn_ = load_cudnn();
    return cuda::describe(*cudnn_);
  });
  description_ = fmt::format("products: {}; attention: {}", products, attention);
}

MathLibraries::~MathLibraries() = default;

RankMath MathLibraries::rank_math(const MathResources& resources) const {
  forbid_if_armed("creating a rank's handles");
  return {cublaslt_ == nullptr ? plain_gemm() : cublaslt_gemm(*cublaslt_, resources),
          cudnn_ == nullptr ? plain_attention() : cudnn_attention(cudnn_, resources)};
}

}  // namespace regroup::cuda
