// bfloat16 for storage; arithmetic is in float. C++17, host and device.
#pragma once

#include <cstdint>
#include <cstring>

#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// The upper half of a float. Its bits are those of __nv_bfloat16, so that pointers can be handed to
// libraries as they are.
struct Bf16 {
  std::uint16_t bits;
};

__host__ __device__ inline float to_float(Bf16 value) {
  const std::uint32_t bits = static_cast<std::uint32_t>(value.bits) << 16;
  float result;
  memcpy(&result, &bits, sizeof(result));
  return result;
}

// To nearest, ties to even; beyond the largest to infinity. A NaN becomes 0x7fff, here and there.
__host__ __device__ inline Bf16 to_bf16(float value) {
#if defined(__CUDA_ARCH__)
  return {__bfloat16_as_ushort(__float2bfloat16_rn(value))};
#else
  std::uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {0x7fff};
  const std::uint32_t half = 0x7fffu + (bits >> 16 & 1);
  return {static_cast<std::uint16_t>((bits + half) >> 16)};
#endif
}

// Two neighbours in memory, the first in the lower half: what a register of mma's fragments holds.
__host__ __device__ inline std::uint32_t pack_bf16(float first, float second) {
#if defined(__CUDA_ARCH__)
  const __nv_bfloat162 both = __floats2bfloat162_rn(first, second);
  std::uint32_t result;
  memcpy(&result, &both, sizeof(result));
  return result;
#else
  return static_cast<std::uint32_t>(to_bf16(second).bits) << 16 | to_bf16(first).bits;
#endif
}
__host__ __device__ inline float first_of(std::uint32_t pair) {
  return to_float({static_cast<std::uint16_t>(pair & 0xffffu)});
}
__host__ __device__ inline float second_of(std::uint32_t pair) {
  return to_float({static_cast<std::uint16_t>(pair >> 16)});
}

// Eight at once, one access of 16 bytes; `from` and `to` are aligned to it.
__host__ __device__ inline void load8(const Bf16* from, float (&values)[8]) {
  const uint4 word = *reinterpret_cast<const uint4*>(from);
  const std::uint32_t pairs[4] = {word.x, word.y, word.z, word.w};
  for (int i = 0; i < 4; ++i) {
    values[2 * i] = first_of(pairs[i]);
    values[2 * i + 1] = second_of(pairs[i]);
  }
}
__host__ __device__ inline void store8(Bf16* to, const float (&values)[8]) {
  *reinterpret_cast<uint4*>(to) =
      make_uint4(pack_bf16(values[0], values[1]), pack_bf16(values[2], values[3]),
                 pack_bf16(values[4], values[5]), pack_bf16(values[6], values[7]));
}

}  // namespace regroup::cuda
