// How a stream waits for another rank's stream without a kernel that waits: SyncMode::kMemop and
// kEvent. The kernels' own protocol stays as it is; when a kernel then looks for its peer's notice,
// the notice is there, or never will be.
#pragma once

#include <cstdint>
#include <memory>

#include "runtime/collectives/heap.hpp"
#include "runtime/collectives/rank_group.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

struct WorldOptions;

// What is signalled along an edge.
enum class Signal : std::uint8_t {
  kNotice,  // the notice of that number is out
  kTaken,   // what that number announced has been taken
};
inline constexpr int kSignals = 2;

// Some of a rank's edges, each with the number of an operation on it, as in collectives::Ledger.
struct Edges {
  struct End {
    int peer;
    std::uint64_t sequence;
  };
  int size = 0;
  End ends[collectives::kMaxRanks];

  void add(int peer, std::uint64_t sequence) { ends[size++] = {peer, sequence}; }
};

// In which channel the peers hear what a rank says in `channel`.
constexpr collectives::Channel other_end(collectives::Channel channel) {
  switch (channel) {
    case collectives::Channel::kPuts:
      return collectives::Channel::kReceipts;
    case collectives::Channel::kReceipts:
      return collectives::Channel::kPuts;
    case collectives::Channel::kCollectives:
      break;
  }
  return collectives::Channel::kCollectives;
}

// One for a world. What concerns one rank and channel is called by one thread at a time. After the
// watchdog's time a wait is given up, and with it all later ones of this rank and channel until
// rearm(): the kernels that follow find out what is missing. Nothing but open() allocates.
class EdgeSignals {
 public:
  virtual ~EdgeSignals() = default;

  // Before this rank's first raise() in `channel`, with the rank's context current.
  virtual void open(int rank, collectives::Channel channel) = 0;
  // To each of the peers: all that `stream` was given so far is done.
  virtual void raise(cudaStream_t stream, int rank, collectives::Channel channel, Signal signal,
                     const Edges& edges) = 0;
  // What is enqueued next waits until each of the peers has raised that number or a later one.
  virtual void await(cudaStream_t stream, int rank, collectives::Channel channel, Signal signal,
                     const Edges& edges) = 0;
  // All numbers begin anew, and nothing is given up any more. Streams are idle, nobody else calls.
  virtual void rearm() = 0;
};

// A stream's own operations on 64-bit words that devices and host can reach.
struct Memop {
  enum class Kind : std::uint8_t {
    kWrite,  // *word = value, when all before it on the stream is done
    kAwait,  // goes on when *word >= value
  };
  Kind kind;
  std::uint64_t* word;
  std::uint64_t value;
};
class StreamMemops {
 public:
  virtual ~StreamMemops() = default;
  // Enqueues `count` of them in this order, at most kMostMemops. Any thread. Throws CudaError.
  virtual void enqueue(cudaStream_t stream, const Memop* memops, int count) const = 0;
};
inline constexpr int kMostMemops = collectives::kMaxRanks + 2;

std::unique_ptr<EdgeSignals> event_signals(int ranks, const WorldOptions& options);
// ConfigError: no options.memops.
std::unique_ptr<EdgeSignals> memop_signals(int ranks, const WorldOptions& options);

}  // namespace regroup::cuda
