// A virtual clock that only moves as far as the node is allowed to.
#pragma once

#include <set>

#include "runtime/serve/virtual_clock.hpp"

namespace regroup::cluster {

// To the node's ranks, a VirtualClock. Its dispatcher lets time pass instant by instant: run_to(),
// settle_once() while some settle, and then it knows when the next one is. It sees that from what
// its threads wait for.
class NodeClock final : public serve::Clock {
 public:
  // For the dispatcher, whose thread makes it.

  // Everything up to `when`, and at it but for those that settle. Must not be before now, nor after
  // next().
  void run_to(TimePoint when);
  // Those that settle, and whatever happens at this instant because of them; some of it may settle
  // again.
  void settle_once();
  bool settling() const { return settling_ > 0; }
  // The earliest instant, now or later, at which a thread may go on; kNever: none ever will.
  TimePoint next() const;

  TimePoint now() override { return clock_.now(); }
  int announce() override { return clock_.announce(); }
  void enter(int thread) override { clock_.enter(thread); }
  void leave() override { clock_.leave(); }
  void wait_for_leaving() override { clock_.wait_for_leaving(); }
  void sleep_until(TimePoint when) override;
  bool wait(serve::Monitor& monitor, std::unique_lock<std::mutex>& lock, TimePoint until) override;
  void notify(serve::Monitor& monitor) override { clock_.notify(monitor); }
  void look_again(bool first, TimePoint deadline) override;
  void settle() override;

 private:
  // While a thread waits for an instant. As all that is here, touched by whoever has the turn.
  class Waiting {
   public:
    Waiting(NodeClock& clock, TimePoint until) : clock_(clock), at_(clock.ends_.insert(until)) {}
    ~Waiting() { clock_.ends_.erase(at_); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    NodeClock& clock_;
    std::multiset<TimePoint>::iterator at_;
  };

  serve::VirtualClock clock_;
  std::multiset<TimePoint> ends_;  // of all waits
  int settling_ = 0;
};

}  // namespace regroup::cluster
