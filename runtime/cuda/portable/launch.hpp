// Launching a kernel, the same for nvcc and for the emulator: no <<< >>>. C++17, for .cu files.
#pragma once

#include <cstddef>
#include <utility>

#include "runtime/cuda/portable/check.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

struct LaunchShape {
  dim3 grid = dim3(1);
  dim3 block = dim3(1);
  std::size_t shared_bytes = 0;  // dynamic shared memory of a block
};

// Enqueues; arguments are converted to the kernel's parameters and copied. Throws CudaError.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), LaunchShape shape, cudaStream_t stream,
            Arguments&&... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream;
  check(cudaLaunchKernelEx(&config, kernel, Parameters(std::forward<Arguments>(arguments))...),
        "launching a kernel");
}

}  // namespace regroup::cuda
