// What is set up once for group-free collectives on GPUs: the device's collectives::World. It owns
// neither the symmetric heap nor the ranks' device memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/collectives/failure.hpp"
#include "runtime/collectives/heap.hpp"
#include "runtime/collectives/rank_group.hpp"
#include "runtime/cuda/collectives/device_rank.hpp"
#include "runtime/cuda/collectives/edge_signals.hpp"
#include "runtime/cuda/collectives/host_edges.hpp"
#include "runtime/cuda/collectives/sync_mode.hpp"
#include "runtime/cuda/gpu/device_memory.hpp"

namespace regroup::cuda {

struct WorldOptions {
  // How long a rank waits for its peers before it reports them. Longer than any piece of work
  // between two operations, since ranks arrive as far apart as that.
  std::int64_t watchdog_ns = 10'000'000'000;
  // How many thread blocks of 256 move a collective's or put's bytes. Each has 16 KiB in flight:
  // few make a link look slow, at most 65,535.
  int copy_blocks = 32;
  SyncMode sync = SyncMode::kSpin;
  const StreamMemops* memops = nullptr;  // for kMemop; outlives the world
};

// Outlives everything that works on it. Made before arming, with no work of the ranks under way.
class DeviceWorld {
 public:
  // heap: zeroed, reachable for every rank's GPU and laid out as HeapLayout says. ranks: one
  // DeviceRank for each, uninitialised, in that rank's device memory. ConfigError: options that
  // cannot be; CudaError.
  DeviceWorld(const collectives::Heap& heap, std::span<DeviceRank* const> ranks,
              const WorldOptions& options);
  DeviceWorld(const DeviceWorld&) = delete;
  DeviceWorld& operator=(const DeviceWorld&) = delete;
  ~DeviceWorld();

  // collectives/form_group.hpp; any thread.
  collectives::RankGroup form(std::span<const int> ranks, std::uint64_t step) const;

  int ranks() const { return heap_.layout.world; }
  const collectives::Heap& heap() const { return heap_; }
  const WorldOptions& options() const { return options_; }

  // What a rank's kernels have reported since the world was armed; null: nothing. A kernel's report
  // can be seen when an event or stream says that the kernel is done, at the latest. Any thread; no
  // call into CUDA, no allocation. Valid until rearm().
  const collectives::Failure* failure(int rank, collectives::Channel channel) const;
  // All of them, by rank. A step has failed if it has failed at any of its members.
  std::vector<collectives::Failure> failures() const;

  // Forgets all failures and counters, so that every rank can be used again; windows stay as they
  // are. All streams of all ranks must have run empty (after a failure they all do, at the latest
  // when the watchdogs of those that still wait expire) and no other thread may be using the world.
  // Not for a hot path. CudaError.
  void rearm();

  // For DeviceCollectives, DevicePuts and DeviceReceipts.
  Endpoint endpoint(int rank, collectives::Channel channel) const;
  EdgeSignals* signals() const { return signals_.get(); }  // null in SyncMode::kSpin
  // Where the host has counted along, one thread a channel. Unused in SyncMode::kSpin.
  collectives::Ledger& host_ledger(int rank, collectives::Channel channel);

 private:
  std::size_t index(int rank, collectives::Channel channel) const;
  void write_ranks();

  collectives::Heap heap_;
  std::vector<DeviceRank*> device_ranks_;
  WorldOptions options_;
  PinnedBuffer reports_;                           // a FailureReport for each rank and channel
  std::vector<collectives::Ledger> host_ledgers_;  // likewise
  std::unique_ptr<EdgeSignals> signals_;
  std::uint64_t epoch_ = 1;
};

}  // namespace regroup::cuda
