// device_code.hpp on a GPU: intrinsics, and PTX where there are none. Contracts are there.
#pragma once

namespace regroup::cuda {

__device__ __forceinline__ void block_sync() { __syncthreads(); }
__device__ __forceinline__ void warp_sync() { __syncwarp(); }

__device__ __forceinline__ int lane_id() {
  int lane;
  asm("mov.u32 %0, %%laneid;" : "=r"(lane));
  return lane;
}

template <class Value>
__device__ inline Value shfl_xor(Value value, int mask) {
  return __shfl_xor_sync(0xffffffffu, value, mask);
}
template <class Value>
__device__ inline Value shfl(Value value, int source) {
  return __shfl_sync(0xffffffffu, value, source);
}
__device__ __forceinline__ std::uint32_t ballot(bool given) {
  return __ballot_sync(0xffffffffu, given);
}

__device__ __forceinline__ void fence_system() { __threadfence_system(); }

__device__ __forceinline__ std::int64_t global_timer_ns() {
  std::int64_t now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  return now;
}

__device__ __forceinline__ void nap(std::uint32_t ns) { __nanosleep(ns); }

__device__ __forceinline__ float fast_exp2(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}
__device__ __forceinline__ float fast_exp(float x) { return __expf(x); }
__device__ __forceinline__ float fast_rsqrt(float x) { return rsqrtf(x); }
__device__ __forceinline__ float fast_divide(float a, float b) { return __fdividef(a, b); }

namespace detail {
__device__ __forceinline__ std::uint32_t shared_address(const void* shared) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
}
}  // namespace detail

__device__ __forceinline__ void async_copy16(void* shared, const void* from, bool valid) {
  const int bytes = valid ? 16 : 0;
  asm volatile(
      "cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(detail::shared_address(shared)),
      "l"(from), "r"(bytes)
      : "memory");
}
__device__ __forceinline__ void async_commit() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int kLatest>
__device__ inline void async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kLatest) : "memory");
}

__device__ __forceinline__ void load_matrix_x2(std::uint32_t (&to)[2], const void* shared_row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(to[0]), "=r"(to[1])
               : "r"(detail::shared_address(shared_row))
               : "memory");
}
__device__ __forceinline__ void load_matrix_x4(std::uint32_t (&to)[4], const void* shared_row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(detail::shared_address(shared_row))
               : "memory");
}
__device__ __forceinline__ void load_matrix_x2_transposed(std::uint32_t (&to)[2],
                                                          const void* shared_row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(to[0]), "=r"(to[1])
               : "r"(detail::shared_address(shared_row))
               : "memory");
}
__device__ __forceinline__ void load_matrix_x4_transposed(std::uint32_t (&to)[4],
                                                          const void* shared_row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(detail::shared_address(shared_row))
               : "memory");
}

__device__ __forceinline__ void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4],
                                             const std::uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

}  // namespace regroup::cuda
