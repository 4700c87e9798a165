#include "runtime/cuda/backend/state_kernels.hpp"

#include "runtime/cuda/portable/device_code.hpp"
#include "runtime/cuda/portable/launch.hpp"

namespace regroup::cuda {
namespace {

constexpr unsigned kThreads = 256;

RG_KERNEL void start_kernel(std::uint64_t request, int stage, Digest* out) {
  out->start(request, stage);
}

RG_KERNEL void advance_kernel(const Digest* from, int step, Digest* to) {
  *to = *from;
  to->advance(step);
}

RG_KERNEL __launch_bounds__(kThreads) void noise_kernel(SeededTensor tensor, std::int64_t size,
                                                        float* out) {
  const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < size) out[at] = seeded_value(tensor, static_cast<std::uint64_t>(at));
}

}  // namespace

void start_digest(cudaStream_t stream, std::uint64_t request, int stage, Digest* out) {
  launch(start_kernel, {dim3(1), dim3(1)}, stream, request, stage, out);
}

void advance_digest(cudaStream_t stream, const Digest* from, int step, Digest* to) {
  launch(advance_kernel, {dim3(1), dim3(1)}, stream, from, step, to);
}

void fill_noise(cudaStream_t stream, const SeededTensor& tensor, std::int64_t size, float* out) {
  if (size == 0) return;
  const auto blocks = static_cast<unsigned>((size + kThreads - 1) / kThreads);
  launch(noise_kernel, {dim3(blocks), dim3(kThreads)}, stream, tensor, size, out);
}

}  // namespace regroup::cuda
