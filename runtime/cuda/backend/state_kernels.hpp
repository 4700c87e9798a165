// Kernels on the numbers of a state. They enqueue and allocate nothing. C++17, for .cu files.
#pragma once

#include <cstdint>

#include "runtime/cuda/ops/seeded.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// The state of a request whose steps only take time: all of it depends on everything that was done,
// so that a step that is lost, done twice or done on another request's state is found out. The same
// function on the device and on the host, which checks it.
struct Digest {
  static constexpr int kWords = 64;
  std::uint64_t words[kWords];

  __host__ __device__ void start(std::uint64_t request, int stage) {
    for (int i = 0; i < kWords; ++i)
      words[i] = counter_hash(counter_hash(request) ^ static_cast<std::uint64_t>(stage) ^
                              static_cast<std::uint64_t>(i) << 8);
  }
  __host__ __device__ void advance(int step) {
    std::uint64_t carry = static_cast<std::uint64_t>(step);
    for (int i = 0; i < kWords; ++i) words[i] = carry = counter_hash(words[i] ^ carry);
  }
};

void start_digest(cudaStream_t stream, std::uint64_t request, int stage, Digest* out);
// *to = *from after one more step.
void advance_digest(cudaStream_t stream, const Digest* from, int step, Digest* to);

// out[i] = seeded_value(tensor, i), in fp32: the noise that denoising starts from.
void fill_noise(cudaStream_t stream, const SeededTensor& tensor, std::int64_t size, float* out);

}  // namespace regroup::cuda
