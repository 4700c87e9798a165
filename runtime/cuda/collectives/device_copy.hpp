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

// A thread's way through the words of a plane, from its own first one in steps of the whole grid.
// As rows and columns, since a division a word would take longer than the copy.
class Walk {
 public:
  // row_words: not 0.
  __device__ explicit Walk(std::uint64_t row_words) : row_words_(row_words) {
    const std::uint64_t first = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
    const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x;
    row_ = first / row_words;
    column_ = first % row_words;
    row_step_ = step / row_words;
    column_step_ = step % row_words;
  }

  __device__ void advance() {
    row_ += row_step_;
    column_ += column_step_;
    if (column_ < row_words_) return;
    column_ -= row_words_;
    ++row_;
  }

  __device__ std::uint64_t row() const { return row_; }
  __device__ std::uint64_t column() const { return column_; }

 private:
  std::uint64_t row_words_, row_, column_, row_step_, column_step_;
};

template <class Word>
__device__ void copy_words(const collectives::Block& block, const std::byte* from, std::byte* to) {
  if (block.run == 0) return;
  for (std::uint64_t plane = 0; plane < block.planes; ++plane) {
    const std::byte* const source = from + block.from.offset + plane * block.from.plane;
    std::byte* const target = to + block.to.offset + plane * block.to.plane;
    Walk walk(block.run / sizeof(Word));
    while (walk.row() < block.rows) {
      Word words[kInFlight] = {};
      std::byte* targets[kInFlight];
      for (int i = 0; i < kInFlight; ++i) {
        const std::uint64_t column = walk.column() * sizeof(Word);
        targets[i] = nullptr;
        if (walk.row() < block.rows) {
          words[i] = *reinterpret_cast<const Word*>(source + walk.row() * block.from.row + column);
          targets[i] = target + walk.row() * block.to.row + column;
        }
        walk.advance();
      }
      for (int i = 0; i < kInFlight; ++i)
        if (targets[i] != nullptr) *reinterpret_cast<Word*>(targets[i]) = words[i];
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
