#include "runtime/cluster/node_clock.hpp"

namespace regroup::cluster {

// The dispatcher comes after all others of an instant, and before those that settle.
void NodeClock::run_to(TimePoint when) {
  serve::Monitor nobody_notifies;
  std::unique_lock lock(nobody_notifies.mutex);
  clock_.wait(nobody_notifies, lock, when);
}

// Those that settle have their turns in the order they asked, and so has the dispatcher.
void NodeClock::settle_once() {
  clock_.settle();
  run_to(clock_.now());
}

TimePoint NodeClock::next() const { return ends_.empty() ? kNever : *ends_.begin(); }

void NodeClock::sleep_until(TimePoint when) {
  const Waiting waiting(*this, when);
  clock_.sleep_until(when);
}

bool NodeClock::wait(serve::Monitor& monitor, std::unique_lock<std::mutex>& lock, TimePoint until) {
  const Waiting waiting(*this, until);
  return clock_.wait(monitor, lock, until);
}

void NodeClock::look_again(bool first, TimePoint deadline) {
  const Waiting waiting(*this, deadline);
  clock_.look_again(first, deadline);
}

void NodeClock::settle() {
  ++settling_;
  clock_.settle();
  --settling_;
}

}  // namespace regroup::cluster
