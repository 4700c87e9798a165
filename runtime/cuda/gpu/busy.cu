#include "runtime/cuda/gpu/busy.hpp"
#include "runtime/cuda/portable/device_code.hpp"
#include "runtime/cuda/portable/launch.hpp"

namespace regroup::cuda {
namespace {

constexpr int kThreads = 1024;  // an SM of compute capability 9.0 holds 2048

RG_KERNEL void __launch_bounds__(kThreads) busy_kernel(std::int64_t busy_ns) {
  const std::int64_t end = global_timer_ns() + busy_ns;
  while (global_timer_ns() < end) nap(100);
}

}  // namespace

void launch_busy(cudaStream_t stream, int blocks, std::int64_t busy_ns) {
  launch(busy_kernel, {static_cast<unsigned>(blocks), kThreads}, stream, busy_ns);
}

}  // namespace regroup::cuda
