// The GPUs of this process and the ranks on them: what open_machine() gives on GPUs and
// emulated_machine() in tests. C++17.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/collectives/heap.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// A rank: a whole GPU or a slice of one. Its streams never wait for the default stream, and are
// created before anything else, so that each can have a hardware queue of its own.
struct MachineRank {
  int ordinal = 0;
  int sms = 0;                       // that its kernels run on
  bool slice = false;                // of a GPU that has other ranks as well
  cudaStream_t compute = nullptr;    // steps and their collectives
  cudaStream_t migration = nullptr;  // puts and receipts
};

struct MachineGpu {
  int ordinal = 0;
  std::string name;
  int sms = 0;
  std::uint64_t memory_bytes = 0;
};

// Made and destroyed on one thread; destroyed when all streams are idle, before which nothing that
// lies in it is to be used any more.
class Machine {
 public:
  Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  virtual ~Machine() = default;

  int ranks() const { return static_cast<int>(of_ranks_.size()); }
  const MachineRank& rank(int rank) const { return of_ranks_[static_cast<std::size_t>(rank)]; }
  // Each GPU once, in the order of their first rank.
  const std::vector<MachineGpu>& gpus() const { return gpus_; }
  // Zeroed; every rank's kernels reach all of it. The window is as large as asked for or larger.
  const collectives::Heap& heap() const { return heap_; }
  // CUDA's versions, for results: "CUDA 13.0, driver for CUDA 13.0".
  const std::string& versions() const { return versions_; }

  // Makes the rank's context that of the calling thread, which then allocates and launches on its
  // GPU. Each rank has one thread that calls this once; a slice's context may be current to one
  // thread at a time only.
  virtual void make_current(int rank) const = 0;
  // Of a GPU, now. Changes the calling thread's device.
  virtual std::uint64_t free_bytes(int ordinal) const = 0;

 protected:
  std::vector<MachineRank> of_ranks_;
  std::vector<MachineGpu> gpus_;
  collectives::Heap heap_;
  std::string versions_;
};

// The layout with a window that is larger, so that the stride is a multiple of `granularity`.
collectives::HeapLayout with_aligned_stride(collectives::HeapLayout layout,
                                            std::uint64_t granularity);

}  // namespace regroup::cuda
