#include "runtime/cuda/portable/check.hpp"

#include "core/errors.hpp"

namespace regroup::cuda {
namespace {

const char* advice(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return "; fewer or smaller shapes, models or ranks need less memory";
    case cudaErrorInsufficientDriver:
    case cudaErrorNoDevice:
      return "; --on cuda needs an NVIDIA GPU and its driver, --on sim and --on host do not";
    default:
      return "";
  }
}

}  // namespace

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  fail<CudaError>("CUDA: {} failed: {} ({}){}", what, cudaGetErrorString(error),
                  cudaGetErrorName(error), advice(error));
}

}  // namespace regroup::cuda
