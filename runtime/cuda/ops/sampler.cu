#include "runtime/cuda/ops/device_helpers.hpp"
#include "runtime/cuda/ops/vectors.hpp"

namespace regroup::cuda {
namespace {

RG_KERNEL __launch_bounds__(kBlockThreads) void guided_euler_kernel(
    ConstFloatRows latents, const std::int32_t* first, ConstFloatRows with, const float* without,
    const SamplerScalars* scalars, FloatRows out) {
  const std::int64_t i = global_thread();
  if (i >= out.rows * out.cols) return;
  const std::int64_t row = i / out.cols, c = i % out.cols;
  const std::int64_t from = (first == nullptr ? 0 : *first) + row;
  float velocity = with.data[row * with.pitch + c];
  if (without != nullptr) {
    const float base = without[row * with.pitch + c];
    velocity = base + scalars->guidance * (velocity - base);
  }
  out.data[row * out.pitch + c] =
      latents.data[from * latents.pitch + c] + scalars->distance * velocity;
}

// A grid of a fixed size strides over the numbers: there may be more than threads.
constexpr std::int64_t kCheckThreads = std::int64_t{256} * kBlockThreads;

__device__ float as_float(float x) { return x; }
__device__ float as_float(Bf16 x) { return to_float(x); }

template <class T>
RG_KERNEL __launch_bounds__(kBlockThreads) void check_finite_kernel(const T* x, std::int64_t size,
                                                                    std::uint32_t* flag) {
  bool finite = true;
  for (std::int64_t i = global_thread(); i < size; i += std::int64_t{gridDim.x} * blockDim.x) {
    const float value = as_float(x[i]);
    finite = finite && value - value == 0;  // infinity and NaN give NaN
  }
  if (!finite) *flag = 1;
}

template <class T>
void launch_check(cudaStream_t stream, const T* x, std::int64_t size, std::uint32_t* flag) {
  if (size == 0) return;
  launch(check_finite_kernel<T>, thread_per(size < kCheckThreads ? size : kCheckThreads), stream, x,
         size, flag);
}

RG_KERNEL void spin_kernel(std::int64_t nanoseconds) {
  const std::int64_t end = global_timer_ns() + nanoseconds;
  while (global_timer_ns() < end) nap(1000);
}

}  // namespace

void guided_euler_step(cudaStream_t stream, ConstFloatRows latents, const std::int32_t* first,
                       ConstFloatRows with, const float* without, const SamplerScalars* scalars,
                       FloatRows out) {
  if (out.rows == 0) return;
  launch(guided_euler_kernel, thread_per(out.rows * out.cols), stream, latents, first, with,
         without, scalars, out);
}

void check_finite(cudaStream_t stream, const float* x, std::int64_t size, std::uint32_t* flag) {
  launch_check(stream, x, size, flag);
}
void check_finite(cudaStream_t stream, const Bf16* x, std::int64_t size, std::uint32_t* flag) {
  launch_check(stream, x, size, flag);
}

void spin_for(cudaStream_t stream, std::int64_t nanoseconds) {
  launch(spin_kernel, LaunchShape{}, stream, nanoseconds);
}

}  // namespace regroup::cuda
