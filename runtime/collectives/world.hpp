// What is set up once: memory that every rank can reach, and what each rank remembers.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/collectives/failure.hpp"
#include "runtime/collectives/heap.hpp"
#include "runtime/collectives/protocol.hpp"
#include "runtime/collectives/rank_group.hpp"

namespace regroup::collectives {

struct WorldConfig {
  int ranks = 0;                   // 1 to kMaxRanks
  std::uint64_t slot_bytes = 0;    // the largest part that one rank gives to a collective
  std::uint64_t window_bytes = 0;  // what can be put to one rank
  bool checksums = false;          // of all that is moved; both ends read it once more
};

// What one rank keeps for one channel. Collectives and Puts work on it; one thread at a time.
class RankChannel {
 public:
  // While one exists, the channel is inside an operation.
  class Occupied {
   public:
    explicit Occupied(RankChannel& channel);  // InternalError if it is already
    ~Occupied();
    Occupied(const Occupied&) = delete;
    Occupied& operator=(const Occupied&) = delete;

   private:
    RankChannel& channel_;
  };

  // Refuses a collective that is not for this rank, or whose buffers do not fit its shape; called
  // before anything is announced, so that no operation is left half begun.
  Status check_collective(const Notice& own, std::uint64_t input, std::uint64_t output);

  // Keeps the failure, tells all ranks of the world, and returns its status. From then on every
  // operation of this channel returns it too, until the world is armed again.
  Status fail(Failure failure, int accused);
  // kTimeout, kAborted or kMismatch on the edge to `peer`.
  Status fail(const Arrival& arrival, Awaited awaited, int peer, std::uint64_t sequence,
              const Notice& own);
  // kCorrupted: what `peer` announced in `theirs` has checksum `found` here.
  Status fail_corrupted(int peer, const Notice& own, const Notice& theirs, std::uint64_t found);
  Status refuse(Refusal refusal, const Notice& own, std::uint64_t asked, std::uint64_t allowed);

  bool occupied() const { return occupied_.load(std::memory_order_acquire); }

  Port port;
  Ledger ledger;
  Failure failure;  // status kOk: none in this epoch

 private:
  std::atomic<bool> occupied_ = false;
};

// Outlives everything that works on it. form() may be called from any thread.
class World {
 public:
  // Allocates and clears the heap: the only allocation. ConfigError: no such world; SystemError:
  // not so much memory.
  explicit World(const WorldConfig& config);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // form_group.hpp.
  RankGroup form(std::span<const int> ranks, std::uint64_t step) const;

  int ranks() const { return heap_.layout.world; }
  bool checksums() const { return checksums_; }
  const Heap& heap() const { return heap_; }
  RankChannel& channel(int rank, Channel channel);

  // Where others put things at `rank`; its owner reads and writes it as it likes between puts.
  std::span<std::byte> window(int rank) const;

  // The failures since the world was armed, by rank; of ranks that are inside an operation, none
  // yet. A step has failed if it has failed at any of its members. No rank may start an operation
  // meanwhile.
  std::vector<Failure> failures() const;

  // Forgets all failures and counters, so that every rank can be used again; windows stay as they
  // are. Every rank must have left its operations (after a failure they all do, at the latest at
  // their deadline) and learn of this from the caller before it starts another. InternalError: one
  // has not left.
  void rearm();

 private:
  struct Release {
    void operator()(std::byte* memory) const;
  };

  Heap heap_;
  std::unique_ptr<std::byte, Release> memory_;
  bool checksums_;
  std::vector<std::array<RankChannel, kChannels>> channels_;  // by rank
};

}  // namespace regroup::collectives
