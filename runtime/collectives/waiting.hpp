// How a rank waits. Three choices are the caller's: what to do between two looks (Pause), what time
// it is (Clock), and until when it makes sense to wait (the deadline).
#pragma once

#include "runtime/collectives/host_device.hpp"

#if !defined(__CUDACC__)
#include <thread>
#endif

namespace regroup::collectives {

// A Pause is any copyable `void()`. It is copied for every wait, so one that counts its looks
// starts anew. These two are for threads; a virtual clock brings its own, which hands the turn to
// another rank (tests/collectives/turns.hpp is one), and a kernel one that calls __nanosleep.

// For as many processors as ranks.
struct Spin {
  RG_HOST_DEVICE void operator()() const {}
};

#if !defined(__CUDACC__)
// For more ranks than processors.
struct SpinThenYield {
  int looks = 0;
  void operator()() {
    if (++looks > 64) std::this_thread::yield();
  }
};
#endif

// A Clock is any copyable `std::int64_t()`: nanoseconds since whenever, never going back.
template <class Pause, class Clock>
struct Watchdog {
  Pause pause;
  Clock clock;
  std::int64_t deadline_ns;  // on that clock

  // Between two looks. False: it is too late for another.
  RG_HOST_DEVICE bool look_again() {
    pause();
    return clock() < deadline_ns;
  }
};

}  // namespace regroup::collectives
