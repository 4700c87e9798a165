#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include "core/errors.hpp"
#include "runtime/cuda/collectives/device_world.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

using collectives::Channel;
using collectives::kChannels;
using collectives::kMaxRanks;

// A stream can only wait for an event that has been recorded, so the threads meet first: who awaits
// a number sleeps until the peer's thread has recorded it. Every wait of a stream is then for
// something that was enqueued earlier, and the streams cannot deadlock.
//
// One event an edge and signal is enough. If it has been recorded again meanwhile, the stream waits
// for a later number, which is enqueued already and asks for no more than this rank has enqueued.
class EventSignals final : public EdgeSignals {
 public:
  EventSignals(int ranks, const WorldOptions& options)
      : ranks_(ranks),
        patience_(options.watchdog_ns),
        inboxes_(static_cast<std::size_t>(ranks * kChannels)) {}

  void open(int rank, Channel channel) override {
    for (int peer = 0; peer < ranks_; ++peer)
      for (const Signal signal : {Signal::kNotice, Signal::kTaken})
        if (peer != rank && !line(peer, other_end(channel), signal, rank).event)
          line(peer, other_end(channel), signal, rank).event.emplace();
  }

  void raise(cudaStream_t stream, int rank, Channel channel, Signal signal,
             const Edges& edges) override {
    for (int i = 0; i < edges.size; ++i) {
      const auto [peer, sequence] = edges.ends[i];
      Line& to = line(peer, other_end(channel), signal, rank);
      to.event->record(stream);
      Inbox& box = inbox(peer, other_end(channel));
      {
        const std::lock_guard lock(box.mutex);
        to.raised = sequence;
      }
      box.changed.notify_all();
    }
  }

  void await(cudaStream_t stream, int rank, Channel channel, Signal signal,
             const Edges& edges) override {
    Inbox& box = inbox(rank, channel);
    if (box.given_up) return;
    const auto deadline = std::chrono::steady_clock::now() + patience_;
    for (int i = 0; i < edges.size; ++i) {
      const auto [peer, sequence] = edges.ends[i];
      const Line& from = line(rank, channel, signal, peer);
      if (has_come(box, from, sequence, deadline))
        check(cudaStreamWaitEvent(stream, from.event->get()), "waiting for a peer's event");
      else
        box.given_up = true;  // but the stream waits for those that did come
    }
  }

  void rearm() override {
    for (Inbox& box : inboxes_) {
      box.given_up = false;
      for (auto& of_signal : box.lines)
        for (Line& line : of_signal) line.raised = 0;
    }
  }

 private:
  // From one peer, and of one kind.
  struct Line {
    std::optional<Event> event;  // made and recorded by the peer
    std::uint64_t raised = 0;    // guarded by the inbox's mutex
  };
  struct Inbox {
    std::mutex mutex;
    std::condition_variable changed;
    bool given_up = false;  // the owner's
    Line lines[kSignals][kMaxRanks];
  };

  bool has_come(Inbox& box, const Line& line, std::uint64_t sequence,
                std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(box.mutex);
    return box.changed.wait_until(lock, deadline, [&] { return line.raised >= sequence; });
  }

  Inbox& inbox(int rank, Channel channel) {
    return inboxes_[static_cast<std::size_t>(rank * kChannels + static_cast<int>(channel))];
  }
  Line& line(int rank, Channel channel, Signal signal, int peer) {
    return inbox(rank, channel).lines[static_cast<int>(signal)][peer];
  }

  int ranks_;
  std::chrono::nanoseconds patience_;
  std::vector<Inbox> inboxes_;  // by rank and channel
};

}  // namespace

std::unique_ptr<EdgeSignals> event_signals(int ranks, const WorldOptions& options) {
  return std::make_unique<EventSignals>(ranks, options);
}

}  // namespace regroup::cuda
