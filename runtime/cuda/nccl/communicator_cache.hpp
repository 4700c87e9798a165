// Communicators that are kept for the next time the same GPUs meet.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/cuda/nccl/communicator.hpp"

namespace regroup::cuda {

struct CacheCounts {
  std::uint64_t hits = 0;
  std::uint64_t created = 0;
  std::uint64_t destroyed = 0;  // to make room
  std::uint64_t aborted = 0;    // after a failure
  friend bool operator==(const CacheCounts&, const CacheCounts&) = default;
};

// Used by one thread. Every communicator takes memory of its GPUs (tens to hundreds of megabytes),
// hence a capacity; the one that was used longest ago goes first.
class CommunicatorCache {
 public:
  // The world must outlive this. ConfigError: a capacity of 0.
  CommunicatorCache(const NcclWorld& world, std::size_t capacity);
  // Destroys all, which waits for what is enqueued; aborts those that cannot be.
  ~CommunicatorCache();

  // Of these ranks in this order, made if there is none. Valid until the next call. Throws
  // NcclError: it cannot be made.
  const Communicator& get(std::span<const int> ranks);

  // Looks for errors that came up meanwhile, and aborts the communicators that have one, so that
  // what waits in their streams ends. What they say; empty: all is well.
  std::string abort_failed();
  // Aborts all of them.
  void abort_all();

  std::size_t size() const { return entries_.size(); }
  const CacheCounts& counts() const { return counts_; }

 private:
  struct Entry {
    std::unique_ptr<Communicator> communicator;
    std::uint64_t used;  // when, as a count of get()
  };
  void make_room();

  const NcclWorld& world_;
  std::size_t capacity_;
  std::vector<Entry> entries_;
  std::uint64_t gets_ = 0;
  CacheCounts counts_;
};

}  // namespace regroup::cuda
