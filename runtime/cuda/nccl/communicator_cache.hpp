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
  std::uint64_t destroyed = 0;  // to make room, or by drop()
  std::uint64_t aborted = 0;    // after a failure
  friend bool operator==(const CacheCounts&, const CacheCounts&) = default;
};

// Used by one thread. Every communicator takes memory of its GPUs (tens to hundreds of megabytes),
// hence a capacity; the one that was used longest ago goes first.
class CommunicatorCache {
 public:
  // The world must outlive this. ConfigError: a capacity of 0.
  CommunicatorCache(const NcclWorld& world, std::size_t capacity);
  ~CommunicatorCache();  // destroy_all()

  // Of these ranks in this order, made if there is none. Valid until the next call. Throws
  // NcclError: it cannot be made.
  const Communicator& get(std::span<const int> ranks);

  // Likewise, but one that is not there is split off from that of `parent`. Needs a capacity of 2.
  const Communicator& split(std::span<const int> parent, std::span<const int> ranks);
  // Destroys that of these ranks; there may be none.
  void drop(std::span<const int> ranks);

  // Looks for errors that came up meanwhile, and aborts the communicators that have one, so that
  // what waits in their streams ends. What they say; empty: all is well.
  std::string abort_failed();
  // Aborts all of them.
  void abort_all();
  // Destroys all, which waits for what is enqueued; aborts those that cannot be.
  void destroy_all() noexcept;

  std::size_t size() const { return entries_.size(); }
  const CacheCounts& counts() const { return counts_; }

 private:
  struct Entry {
    std::unique_ptr<Communicator> communicator;
    std::uint64_t used;  // the how manyth use of all was its last
  };
  const Communicator* find(std::span<const int> ranks);
  const Communicator& add(std::unique_ptr<Communicator> communicator);
  void make_room();
  void destroy(std::vector<Entry>::iterator entry);

  const NcclWorld& world_;
  std::size_t capacity_;
  std::vector<Entry> entries_;
  std::uint64_t uses_ = 0;
  CacheCounts counts_;
};

}  // namespace regroup::cuda
