#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "core/errors.hpp"
#include "runtime/cuda/collectives/device_world.hpp"

namespace regroup::cuda {
namespace {

using collectives::Channel;
using collectives::kChannels;
using collectives::kMaxRanks;

// Above every number, and not so far that the hardware's comparison, of the difference as a signed
// number, would turn round.
constexpr std::uint64_t kReleased = std::uint64_t{1} << 62;

std::uint64_t load(std::uint64_t& word) {
  return std::atomic_ref(word).load(std::memory_order_acquire);
}

// A word in the host's memory for each edge and signal, which the peer's stream writes and the
// rank's stream waits for. A stream that waits so cannot give up by itself: a thread of the host
// sees how long each has been waiting, and writes the words in the peer's stead.
class MemopSignals final : public EdgeSignals {
 public:
  MemopSignals(int ranks, const WorldOptions& options)
      : memops_(*options.memops),
        patience_(options.watchdog_ns),
        inboxes_(static_cast<std::size_t>(ranks * kChannels)),
        memory_(inboxes_.size() * sizeof(Words), "signals between streams") {
    rearm();
    watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  }

  void open(int, Channel) override {}

  void raise(cudaStream_t stream, int rank, Channel channel, Signal signal,
             const Edges& edges) override {
    Memop memops[kMostMemops];
    for (int i = 0; i < edges.size; ++i) {
      const auto [peer, sequence] = edges.ends[i];
      std::uint64_t& word = words(index(peer, other_end(channel))).raised[int(signal)][rank];
      memops[i] = {Memop::Kind::kWrite, &word, sequence};
    }
    if (edges.size > 0) memops_.enqueue(stream, memops, edges.size);
  }

  void await(cudaStream_t stream, int rank, Channel channel, Signal signal,
             const Edges& edges) override {
    Inbox& inbox = inboxes_[index(rank, channel)];
    if (edges.size == 0 || inbox.given_up) return;
    Words& own = words(index(rank, channel));
    ++inbox.waits;
    Memop memops[kMostMemops];
    int count = 0;
    memops[count++] = {Memop::Kind::kWrite, &own.begun, inbox.waits};
    for (int i = 0; i < edges.size; ++i)
      memops[count++] = {Memop::Kind::kAwait, &own.raised[int(signal)][edges.ends[i].peer],
                         edges.ends[i].sequence};
    memops[count++] = {Memop::Kind::kWrite, &own.ended, inbox.waits};
    memops_.enqueue(stream, memops, count);
  }

  void rearm() override {
    const std::lock_guard lock(mutex_);
    std::memset(memory_.data(), 0, memory_.bytes());
    for (Inbox& inbox : inboxes_) {
      inbox.waits = inbox.seen = 0;
      inbox.given_up = false;
    }
  }

 private:
  // What streams write. `begun` differs from `ended` while the owner's stream waits.
  struct Words {
    std::uint64_t begun, ended;
    std::uint64_t raised[kSignals][kMaxRanks];  // by peer
  };
  // What the host knows of the same rank and channel.
  struct Inbox {
    std::uint64_t waits = 0;  // enqueued
    std::atomic<bool> given_up = false;
    std::uint64_t seen = 0;  // the watcher's: the wait that was under way when it looked, and since
    std::chrono::steady_clock::time_point since;  // when
  };

  void watch(const std::stop_token& stop) {
    using std::chrono::milliseconds;
    const auto pause = std::clamp(std::chrono::duration_cast<milliseconds>(patience_ / 16),
                                  milliseconds(1), milliseconds(100));
    std::unique_lock lock(mutex_);
    while (!stop_.wait_for(lock, stop, pause, [] { return false; }) && !stop.stop_requested())
      for (std::size_t i = 0; i < inboxes_.size(); ++i) look_at(inboxes_[i], words(i));
  }

  void look_at(Inbox& inbox, Words& words) {
    // In this order: a wait that ends in between is seen as ended.
    const std::uint64_t begun = load(words.begun);
    if (load(words.ended) >= begun) return;
    const auto now = std::chrono::steady_clock::now();
    if (begun != inbox.seen) {
      inbox.seen = begun;
      inbox.since = now;
    }
    if (now - inbox.since >= patience_) inbox.given_up = true;
    if (!inbox.given_up) return;
    // At every look again: a peer that comes late writes its own, smaller number, and later waits
    // may be enqueued already.
    for (auto& of_signal : words.raised)
      for (std::uint64_t& word : of_signal)
        std::atomic_ref(word).store(kReleased, std::memory_order_release);
  }

  static std::size_t index(int rank, Channel channel) {
    return static_cast<std::size_t>(rank * kChannels + static_cast<int>(channel));
  }
  Words& words(std::size_t index) { return memory_.as<Words>()[index]; }

  const StreamMemops& memops_;
  std::chrono::nanoseconds patience_;
  std::vector<Inbox> inboxes_;  // by rank and channel
  PinnedBuffer memory_;         // a Words for each
  std::mutex mutex_;            // between watcher_ and rearm()
  std::condition_variable_any stop_;
  std::jthread watcher_;
};

}  // namespace

std::unique_ptr<EdgeSignals> memop_signals(int ranks, const WorldOptions& options) {
  if (options.memops == nullptr)
    fail<ConfigError>(
        "collectives: this machine has no operations on memory in streams, which sync "
        "mode memop needs; choose spin or event");
  return std::make_unique<MemopSignals>(ranks, options);
}

}  // namespace regroup::cuda
