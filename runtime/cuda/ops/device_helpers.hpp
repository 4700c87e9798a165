// What the kernels of this folder share: who works on what, sums over a warp, element functions.
// For .cu files; C++17.
#pragma once

#include "runtime/cuda/ops/kernels.hpp"
#include "runtime/cuda/portable/device_code.hpp"
#include "runtime/cuda/portable/launch.hpp"

// Before a loop whose body must know its index when compiling, for arrays to stay in registers.
#if defined(__CUDACC__)
#define RG_UNROLL _Pragma("unroll")
#else
#define RG_UNROLL
#endif

namespace regroup::cuda {

inline constexpr int kVector = 8;  // numbers that a thread loads and stores at once
inline constexpr int kWarpVector = kWarp * kVector;
inline constexpr int kBlockWarps = 4;  // of kernels with a warp per row
inline constexpr int kBlockThreads = kBlockWarps * kWarp;

// ---- Launching ---------------------------------------------------------------------------------

// A warp for each row: global_warp() is the row.
inline LaunchShape warp_per_row(std::int64_t rows) {
  return {dim3(static_cast<unsigned>((rows + kBlockWarps - 1) / kBlockWarps)), dim3(kBlockThreads)};
}

// A thread for each of `count`: global_thread() is the one.
inline LaunchShape thread_per(std::int64_t count) {
  return {dim3(static_cast<unsigned>((count + kBlockThreads - 1) / kBlockThreads)),
          dim3(kBlockThreads)};
}

// A block for each row and, of its columns, as many as its threads take: vector_column() is the
// first of the thread's.
inline LaunchShape vectors_of_rows(std::int64_t rows, std::int64_t cols) {
  const std::int64_t vectors = (cols + kVector - 1) / kVector;
  const std::int64_t warps = (vectors + kWarp - 1) / kWarp;
  const std::int64_t threads = (warps < kBlockWarps ? warps : kBlockWarps) * kWarp;
  return {
      dim3(static_cast<unsigned>(rows), static_cast<unsigned>((vectors + threads - 1) / threads)),
      dim3(static_cast<unsigned>(threads))};
}

__device__ inline std::int64_t global_thread() {
  return std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
}
__device__ inline std::int64_t global_warp() { return global_thread() / kWarp; }
__device__ inline std::int64_t vector_column() {
  return (std::int64_t{blockIdx.y} * blockDim.x + threadIdx.x) * kVector;
}

// ---- Numbers -----------------------------------------------------------------------------------

// As load8 and store8 of bf16.hpp.
__device__ inline void load8(const float* from, float (&values)[kVector]) {
  const float4 low = reinterpret_cast<const float4*>(from)[0];
  const float4 high = reinterpret_cast<const float4*>(from)[1];
  values[0] = low.x, values[1] = low.y, values[2] = low.z, values[3] = low.w;
  values[4] = high.x, values[5] = high.y, values[6] = high.z, values[7] = high.w;
}
__device__ inline void store8(float* to, const float (&values)[kVector]) {
  reinterpret_cast<float4*>(to)[0] = make_float4(values[0], values[1], values[2], values[3]);
  reinterpret_cast<float4*>(to)[1] = make_float4(values[4], values[5], values[6], values[7]);
}

// Over groups of `lanes` neighbouring lanes, a power of two; every lane gets its group's.
__device__ inline float lanes_sum(float value, int lanes) {
  for (int distance = lanes / 2; distance > 0; distance /= 2) value += shfl_xor(value, distance);
  return value;
}
__device__ inline float warp_sum(float value) { return lanes_sum(value, kWarp); }

// 0.5 (1 + tanh(u)) is 1 / (1 + exp(-2 u)), whose exponential may overflow: the result is then 0.
__device__ inline float gelu_tanh(float x) {
  constexpr float kTwiceRoot = 1.5957691216f;  // 2 sqrt(2 / pi)
  return fast_divide(x, 1.0f + fast_exp(-kTwiceRoot * (x + 0.044715f * x * x * x)));
}
__device__ inline float silu(float x) { return fast_divide(x, 1.0f + fast_exp(-x)); }

template <Activation kActivation>
__device__ float activated(float x) {
  if (kActivation == Activation::kGelu) return gelu_tanh(x);
  if (kActivation == Activation::kSilu) return silu(x);
  return x;
}

}  // namespace regroup::cuda
