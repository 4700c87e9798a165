// Device code: moving a strided block with all threads of a grid. C++17.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/collectives/tensor_blocks.hpp"
#include "runtime/cuda/collectives/device_rank.hpp"
#include "runtime/cuda/portable/device_code.hpp"

namespace regroup::cuda {

inline constexpr int kCopyThreads = 256;  // of a block
inline constexpr int kInFlight = 4;       // loads of a thread before its first store

namespace detail {

template <class Word>
__device__ void copy_words(const collectives::Block& block, const std::byte* from, std::byte* to) {
  const std::uint64_t row_words = block.run / sizeof(Word);
  const std::uint64_t words = block.rows * row_words;
  const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x;
  for (std::uint64_t plane = 0; plane < block.planes; ++plane) {
    const std::byte* const source = from + block.from.offset + plane * block.from.plane;
    std::byte* const target = to + block.to.offset + plane * block.to.plane;
    for (std::uint64_t first = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; first < words;
         first += kInFlight * step) {
      Word word[kInFlight];
#pragma unroll
      for (int i = 0; i < kInFlight; ++i) {
        const std::uint64_t at = first + static_cast<std::uint64_t>(i) * step;
        if (at >= words) break;
        const std::uint64_t row = at / row_words;
        const std::uint64_t column = (at - row * row_words) * sizeof(Word);
        word[i] = *reinterpret_cast<const Word*>(source + row * block.from.row + column);
      }
#pragma unroll
      for (int i = 0; i < kInFlight; ++i) {
        const std::uint64_t at = first + static_cast<std::uint64_t>(i) * step;
        if (at >= words) break;
        const std::uint64_t row = at / row_words;
        const std::uint64_t column = (at - row * row_words) * sizeof(Word);
        *reinterpret_cast<Word*>(target + row * block.to.row + column) = word[i];
      }
    }
  }
}

}  // namespace detail

// All threads of the grid call it; the buffers do not overlap. In words of 16 bytes if everything
// is a multiple of that, else of 4 or 1. Plain loads, so that a peer's memory may be read by the
// kernel that is launched after the one that waited for the peer.
__device__ inline void copy_block(const collectives::Block& block, const std::byte* from,
                                  std::byte* to) {
  const std::uint64_t all = block.run | block.from.offset | block.from.row | block.from.plane |
                            block.to.offset | block.to.row | block.to.plane |
                            reinterpret_cast<std::uintptr_t>(from) |
                            reinterpret_cast<std::uintptr_t>(to);
  if (all % sizeof(uint4) == 0)
    detail::copy_words<uint4>(block, from, to);
  else if (all % sizeof(std::uint32_t) == 0)
    detail::copy_words<std::uint32_t>(block, from, to);
  else
    detail::copy_words<std::uint8_t>(block, from, to);
}

// Called by all threads of the grid after their last access. True in one block, in all of its
// threads: all blocks have come here, and what they have read and written is done; what these
// threads write with release is seen after it.
__device__ inline bool last_block(DeviceChannel& channel, int* shared_flag) {
  block_sync();
  if (threadIdx.x == 0) {
    fence_system();
    *shared_flag = atomicAdd(&channel.blocks_done, 1u) + 1 == gridDim.x ? 1 : 0;
    if (*shared_flag != 0) {
      channel.blocks_done = 0;
      fence_system();
    }
  }
  block_sync();
  return *shared_flag != 0;
}

}  // namespace regroup::cuda
