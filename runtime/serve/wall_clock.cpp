#include "runtime/serve/wall_clock.hpp"

#include <sys/prctl.h>

#include <thread>

namespace regroup::serve {
namespace {

// Sleeping threads are woken when they asked to be, not within the 50 us that Linux allows itself.
void wake_on_time() { prctl(PR_SET_TIMERSLACK, 1); }

}  // namespace

WallClock::WallClock() : start_(std::chrono::steady_clock::now()) { wake_on_time(); }

TimePoint WallClock::now() {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - start_));
}

void WallClock::enter(int) { wake_on_time(); }

void WallClock::sleep_until(TimePoint when) {
  std::this_thread::sleep_until(start_ + when.time_since_epoch());
}

bool WallClock::wait(Monitor& monitor, std::unique_lock<std::mutex>& lock, TimePoint until) {
  if (until == kNever) {
    monitor.changed_.wait(lock);
    return true;
  }
  return monitor.changed_.wait_until(lock, start_ + until.time_since_epoch()) ==
         std::cv_status::no_timeout;
}

// Ranks usually are more than processors: whoever waits makes way.
void WallClock::look_again(bool, TimePoint) { std::this_thread::yield(); }

}  // namespace regroup::serve
