#include "runtime/serve/virtual_clock.hpp"

#include <algorithm>

#include "core/errors.hpp"

namespace regroup::serve {
namespace {

thread_local int self = 0;  // which of the clock's threads this is

}  // namespace

VirtualClock::VirtualClock() {
  threads_.push_back(std::make_unique<Thread>());
  self = kDispatcher;
}

int VirtualClock::announce() {
  const auto thread = static_cast<int>(threads_.size());
  {
    const std::lock_guard lock(entrance_);
    threads_.push_back(std::make_unique<Thread>());
  }
  ready_.push_back(thread);
  ++live_;
  return thread;
}

void VirtualClock::enter(int thread) {
  self = thread;
  Thread* entering = nullptr;
  {
    const std::lock_guard lock(entrance_);
    entering = threads_[static_cast<std::size_t>(thread)].get();
  }
  entering->turn.acquire();
}

void VirtualClock::leave() {
  fruitless_ = 0;
  if (--live_ == 0) dispatcher_ready_ = true;
  const int next = choose();
  threads_[static_cast<std::size_t>(next)]->turn.release();
}

void VirtualClock::wait_for_leaving() {
  while (live_ > 0) {
    dispatcher_ready_ = false;
    dispatcher_waits_ = true;
    dispatcher_until_ = kNever;
    park();
    RG_CHECK(live_ == 0 || threads_[kDispatcher]->woken != Woken::kNothingMore,
             "{} threads never leave", live_);
  }
}

void VirtualClock::park() {
  const int next = choose();
  if (next == self) return;
  threads_[static_cast<std::size_t>(next)]->turn.release();
  threads_[static_cast<std::size_t>(self)]->turn.acquire();
}

void VirtualClock::wake(int thread, Woken why) {
  Thread& t = *threads_[static_cast<std::size_t>(thread)];
  t.woken = why;
  ++t.waits;
  fruitless_ = 0;
}

int VirtualClock::choose() {
  const auto take = [](std::deque<int>& from) {
    const int thread = from.front();
    from.pop_front();
    return thread;
  };
  while (true) {
    if (!ready_.empty()) return take(ready_);
    if (!sleeps_.empty() && sleeps_.top().until <= now_) {
      const Sleep sleep = sleeps_.top();
      sleeps_.pop();
      if (threads_[static_cast<std::size_t>(sleep.thread)]->waits != sleep.wait) continue;
      wake(sleep.thread, Woken::kTime);
      return sleep.thread;
    }
    if (fruitless_ < looking_.size()) return take(looking_);
    if (dispatcher_waits_ && (dispatcher_ready_ || dispatcher_until_ <= now_)) {
      dispatcher_waits_ = false;
      wake(kDispatcher, dispatcher_ready_ ? Woken::kNotified : Woken::kTime);
      return kDispatcher;
    }
    // All of them, before the dispatcher decides again: what ends at one instant ends together.
    if (!settling_.empty()) {
      fruitless_ = 0;
      ready_.swap(settling_);
      continue;
    }
    if (!advance()) {
      RG_CHECK(dispatcher_waits_, "all threads of the rank backend wait for each other");
      dispatcher_waits_ = false;
      wake(kDispatcher, Woken::kNothingMore);
      return kDispatcher;
    }
  }
}

bool VirtualClock::advance() {
  while (!sleeps_.empty() &&
         threads_[static_cast<std::size_t>(sleeps_.top().thread)]->waits != sleeps_.top().wait)
    sleeps_.pop();
  TimePoint next = dispatcher_waits_ ? dispatcher_until_ : kNever;
  if (!sleeps_.empty()) next = std::min(next, sleeps_.top().until);
  for (const int thread : looking_)
    next = std::min(next, threads_[static_cast<std::size_t>(thread)]->deadline);
  if (next == kNever) return false;
  now_ = std::max(now_, next);
  fruitless_ = 0;
  return true;
}

void VirtualClock::sleep(TimePoint until) {
  const std::uint64_t wait = threads_[static_cast<std::size_t>(self)]->waits;
  sleeps_.push({until, sleep_order_++, self, wait});
}

void VirtualClock::sleep_until(TimePoint when) {
  if (when <= now_) return;
  fruitless_ = 0;  // it may have written what others look for
  sleep(when);
  park();
}

bool VirtualClock::wait(Monitor& monitor, std::unique_lock<std::mutex>& lock, TimePoint until) {
  if (until <= now_ && self != kDispatcher) return false;
  fruitless_ = 0;
  monitor.waiting_.push_back(self);
  if (self == kDispatcher) {
    dispatcher_waits_ = true;
    dispatcher_ready_ = false;
    dispatcher_until_ = until;
  } else if (until != kNever) {
    sleep(until);
  }
  lock.unlock();
  park();
  lock.lock();
  std::erase(monitor.waiting_, self);
  return threads_[static_cast<std::size_t>(self)]->woken == Woken::kNotified;
}

void VirtualClock::notify(Monitor& monitor) {
  for (const int thread : monitor.waiting_) {
    if (thread == kDispatcher) {
      dispatcher_ready_ = true;
      continue;
    }
    wake(thread, Woken::kNotified);
    ready_.push_back(thread);
  }
  monitor.waiting_.clear();
}

void VirtualClock::look_again(bool first, TimePoint deadline) {
  if (first)
    fruitless_ = 0;
  else
    ++fruitless_;
  threads_[static_cast<std::size_t>(self)]->deadline = deadline;
  looking_.push_back(self);
  park();
}

void VirtualClock::settle() {
  fruitless_ = 0;
  settling_.push_back(self);
  park();
}

}  // namespace regroup::serve
