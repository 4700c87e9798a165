// Seeded weights, made where they are needed: every number is a function of (seed, tensor, index),
// the same on the device and on the CPU, bit for bit. C++17.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "runtime/cuda/portable/bf16.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// How the numbers of one tensor are distributed, and which they are.
struct SeededTensor {
  std::uint64_t key = 0;  // of seed and name
  float mean = 0, deviation = 1;
};

// As dit::SeededWeights: a name that ends in "gain" has numbers about 1, other vectors about 0,
// both with deviation 0.1; a matrix (columns > 0) has deviation 1 / sqrt(columns). Not the same
// numbers.
SeededTensor seeded_tensor(std::uint64_t seed, const std::string& name, std::int64_t columns);

// SplitMix64's finaliser (Steele, Lea, Flood 2014), as core/random.hpp.
__host__ __device__ inline std::uint64_t counter_hash(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// Nearly normal: the sum of four uniform numbers of 16 bits, made to have variance 1 (Irwin-Hall;
// nothing beyond 3.46 deviations). An integer sum and one fused multiply-add, so that no compiler
// and no mathematical library can make it differ. `index` in the row-major tensor.
__host__ __device__ inline float seeded_value(const SeededTensor& tensor, std::uint64_t index) {
  const std::uint64_t bits = counter_hash(tensor.key ^ counter_hash(index));
  const std::uint64_t sum =
      (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
  const int centered = static_cast<int>(sum) - 2 * 0xffff;
  constexpr float kUnit = 2.6428998e-5f;  // sqrt(3) / 65536
  return fmaf(tensor.deviation, static_cast<float>(centered) * kUnit, tensor.mean);
}

// out[i] = seeded_value(tensor, i), rounded to bf16. Enqueues.
void fill_seeded(cudaStream_t stream, const SeededTensor& tensor, std::int64_t size, Bf16* out);

}  // namespace regroup::cuda
