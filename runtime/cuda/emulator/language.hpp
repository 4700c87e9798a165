// CUDA's additions to C++, for g++: a kernel is a function that a fiber calls for every thread.
#pragma once

#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(bytes) alignas(bytes)
// A stream's blocks run one after another on its own OS thread, so what belongs to an OS thread is
// seen by the threads of one block and by no other stream. Not cleared between blocks, as on a GPU.
#define __shared__ static thread_local

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(8) int2 {
  int x, y;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

// Which thread of which block runs on this OS thread now.
extern constinit thread_local uint3 threadIdx;
extern constinit thread_local uint3 blockIdx;
extern constinit thread_local dim3 blockDim;
extern constinit thread_local dim3 gridDim;

// Value and Operand differ as in atomicAdd(&counter, 1) for an unsigned counter.
template <class Value>
Value atomicExch(Value* at, std::type_identity_t<Value> value) {
  return std::atomic_ref<Value>(*at).exchange(value);
}
template <class Value>
Value atomicCAS(Value* at, std::type_identity_t<Value> expected,
                std::type_identity_t<Value> desired) {
  std::atomic_ref<Value>(*at).compare_exchange_strong(expected, desired);
  return expected;
}
template <class Value>
Value atomicAdd(Value* at, std::type_identity_t<Value> value) {
  return std::atomic_ref<Value>(*at).fetch_add(value);
}
template <class Value>
Value atomicMax(Value* at, std::type_identity_t<Value> value) {
  std::atomic_ref<Value> word(*at);
  Value seen = word.load();
  while (seen < value && !word.compare_exchange_weak(seen, value)) {
  }
  return seen;
}
template <class Value>
Value atomicMin(Value* at, std::type_identity_t<Value> value) {
  std::atomic_ref<Value> word(*at);
  Value seen = word.load();
  while (value < seen && !word.compare_exchange_weak(seen, value)) {
  }
  return seen;
}
template <class Value>
Value atomicOr(Value* at, std::type_identity_t<Value> value) {
  return std::atomic_ref<Value>(*at).fetch_or(value);
}

// All threads change one word: a fence that ThreadSanitizer understands.
inline std::atomic<unsigned> fence_word = 0;
inline void __threadfence() { fence_word.fetch_add(1); }
inline void __threadfence_block() { __threadfence(); }
inline void __threadfence_system() { __threadfence(); }

// Those of CUDA's functions that <cmath> does not have.
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
