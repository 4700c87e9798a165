// Time for the threads of the rank backend: the machine's, or one that only moves when all of them
// wait.
#pragma once

#include <condition_variable>
#include <mutex>
#include <vector>

#include "regroup/policy/types.hpp"

namespace regroup::serve {

// What threads wait for, together with its mutex. Used through a Clock only.
class Monitor {
 public:
  std::mutex mutex;

 private:
  friend class WallClock;
  friend class VirtualClock;
  std::condition_variable changed_;  // wall clock
  std::vector<int> waiting_;         // virtual clock: who
};

// Every thread of the backend blocks through this object and nothing else. One of them, the
// dispatcher, is the thread that made the clock; the others are announced by it, and call enter()
// first and leave() last.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual TimePoint now() = 0;

  // By the dispatcher, before it starts the thread; the number is what the thread enters with.
  virtual int announce() = 0;
  virtual void enter(int thread) = 0;
  virtual void leave() = 0;
  // By the dispatcher, before it joins threads that are about to leave: waits until they have.
  virtual void wait_for_leaving() = 0;

  virtual void sleep_until(TimePoint when) = 0;

  // Releases the lock of `monitor` and waits for notify() or for `until`; then holds it again. May
  // return for no reason. False: `until` has come; with kNever, that nothing can happen any more.
  virtual bool wait(Monitor& monitor, std::unique_lock<std::mutex>& lock, TimePoint until) = 0;
  // The caller holds the lock of `monitor`.
  virtual void notify(Monitor& monitor) = 0;

  // Between two looks at memory that another thread will write; `first` if this is a new wait.
  // Comes back at `deadline` at the latest.
  virtual void look_again(bool first, TimePoint deadline) = 0;

  // Lets everything else that is due at this instant happen first, the dispatcher's decisions too.
  // On the machine's clock instants have no such extent, and it does nothing.
  virtual void settle() = 0;
};

}  // namespace regroup::serve
