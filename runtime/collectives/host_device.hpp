// What g++ and nvcc say differently. The headers that a kernel includes (this one, shards.hpp,
// tensor_blocks.hpp, rank_group.hpp, heap.hpp, failure.hpp, waiting.hpp, protocol.hpp) keep to
// C++17 and to the standard and CUDA's own headers.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#include <cuda/atomic>
#define RG_HOST_DEVICE __host__ __device__
#else
#include <atomic>
#define RG_HOST_DEVICE
#endif

namespace regroup::collectives {

// Who reads `value` with load_acquire also sees all that this thread wrote, or saw, before. Between
// any two processors: on a GPU these are st.release.sys and ld.acquire.sys.
RG_HOST_DEVICE inline void store_release(std::uint64_t& to, std::uint64_t value) {
#if defined(__CUDACC__)
  ::cuda::atomic_ref<std::uint64_t, ::cuda::thread_scope_system>(to).store(
      value, ::cuda::memory_order_release);
#else
  std::atomic_ref<std::uint64_t>(to).store(value, std::memory_order_release);
#endif
}

RG_HOST_DEVICE inline std::uint64_t load_acquire(std::uint64_t& from) {
#if defined(__CUDACC__)
  return ::cuda::atomic_ref<std::uint64_t, ::cuda::thread_scope_system>(from).load(
      ::cuda::memory_order_acquire);
#else
  return std::atomic_ref<std::uint64_t>(from).load(std::memory_order_acquire);
#endif
}

}  // namespace regroup::collectives
