// The symmetric heap on GPUs: one range of addresses for all ranks, each rank's part of it in the
// memory of its own GPU (CUDA's virtual memory management). Not portable.
#pragma once

#include <cuda.h>

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/collectives/heap.hpp"

namespace regroup::cuda {

class SymmetricHeap {
 public:
  // `ordinals`: the GPU of each rank. Zeroed when this returns. Throws CudaError: two of the GPUs
  // cannot read each other's memory, or one has not so much.
  SymmetricHeap(std::span<const int> ordinals, const collectives::HeapLayout& layout);
  SymmetricHeap(const SymmetricHeap&) = delete;
  SymmetricHeap& operator=(const SymmetricHeap&) = delete;
  ~SymmetricHeap();

  // Its stride is a multiple of what the driver can map; see with_aligned_stride().
  const collectives::Heap& view() const { return heap_; }

 private:
  // Releases what it holds, also when the heap's constructor throws half-way.
  class Reservation {
   public:
    explicit Reservation(std::uint64_t bytes);
    Reservation(const Reservation&) = delete;
    Reservation& operator=(const Reservation&) = delete;
    ~Reservation();

    CUdeviceptr base() const { return base_; }
    // Gives the range [offset, offset + bytes) memory of a GPU.
    void back(std::uint64_t offset, std::uint64_t bytes, int ordinal);

   private:
    struct Mapping {
      CUdeviceptr address;
      std::uint64_t bytes;
    };
    CUdeviceptr base_ = 0;
    std::uint64_t bytes_;
    std::vector<Mapping> mappings_;
  };

  collectives::HeapLayout layout_;
  Reservation reservation_;
  collectives::Heap heap_;
};

}  // namespace regroup::cuda
