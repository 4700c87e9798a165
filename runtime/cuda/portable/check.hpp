// From CUDA's return codes to exceptions. C++17, for .cu files.
#pragma once

#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// Throws CudaError: `what` was tried, what CUDA says, and what can be done about it where we know.
// `what` completes "... failed": "allocating 3 bytes".
void check(cudaError_t error, const char* what);

}  // namespace regroup::cuda
