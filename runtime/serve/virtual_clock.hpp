// A clock that jumps: real threads, but one at a time, and time moves when all of them wait.
#pragma once

#include <deque>
#include <memory>
#include <queue>
#include <semaphore>
#include <vector>

#include "runtime/serve/clock.hpp"

namespace regroup::serve {

// Deterministic: exactly one thread has the turn; a thread that blocks gives it away, by rules that
// depend on nothing but what the threads did so far. All state belongs to whoever has the turn.
//
// Who is next, at one instant:
//   1. threads that were notified, in that order
//   2. threads whose sleep ends now, in the order they went to sleep
//   3. threads that look at memory (look_again), in turn, until none of them finds anything new
//   4. the dispatcher, if it was notified or its wait ends now
//   5. threads that settle
// Then time moves to the earliest end of a sleep, wait or deadline. If there is none, nothing can
// happen any more, and the dispatcher is told so.
class VirtualClock final : public Clock {
 public:
  VirtualClock();

  TimePoint now() override { return now_; }
  int announce() override;
  void enter(int thread) override;
  void leave() override;
  void wait_for_leaving() override;
  void sleep_until(TimePoint when) override;
  bool wait(Monitor& monitor, std::unique_lock<std::mutex>& lock, TimePoint until) override;
  void notify(Monitor& monitor) override;
  void look_again(bool first, TimePoint deadline) override;
  void settle() override;

 private:
  enum class Woken { kNotified, kTime, kNothingMore };
  struct Thread {
    std::binary_semaphore turn{0};
    Woken woken = Woken::kNotified;
    std::uint64_t waits = 0;      // a sleep of an earlier wait is void
    TimePoint deadline = kNever;  // looking
  };
  struct Sleep {
    TimePoint until;
    std::uint64_t order;
    int thread;
    std::uint64_t wait;
    bool operator>(const Sleep& o) const {
      return until != o.until ? until > o.until : order > o.order;
    }
  };

  void sleep(TimePoint until);
  // Gives the turn away and comes back with it. The caller has put itself somewhere first.
  void park();
  int choose();
  bool advance();
  void wake(int thread, Woken why);

  static constexpr int kDispatcher = 0;

  TimePoint now_{};
  std::mutex entrance_;  // threads come in without the turn
  std::vector<std::unique_ptr<Thread>> threads_;
  std::deque<int> ready_;
  std::priority_queue<Sleep, std::vector<Sleep>, std::greater<>> sleeps_;
  std::uint64_t sleep_order_ = 0;
  std::deque<int> looking_;
  std::size_t fruitless_ = 0;  // looks in a row that found nothing
  std::deque<int> settling_;
  bool dispatcher_ready_ = false;
  TimePoint dispatcher_until_ = kNever;
  bool dispatcher_waits_ = false;
  int live_ = 0;  // threads that entered or will, less those that left
};

}  // namespace regroup::serve
