// A kernel that only takes time. C++17.
#pragma once

#include <cstdint>

#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// Enqueues `blocks` blocks that each fill half an SM for that long.
void launch_busy(cudaStream_t stream, int blocks, std::int64_t busy_ns);

}  // namespace regroup::cuda
