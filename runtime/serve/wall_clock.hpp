// The machine's clock.
#pragma once

#include <chrono>

#include "runtime/serve/clock.hpp"

namespace regroup::serve {

// Time 0 is when it was made.
class WallClock final : public Clock {
 public:
  WallClock();

  TimePoint now() override;
  int announce() override { return 0; }
  void enter(int) override;
  void leave() override {}
  void wait_for_leaving() override {}
  void sleep_until(TimePoint when) override;
  bool wait(Monitor& monitor, std::unique_lock<std::mutex>& lock, TimePoint until) override;
  void notify(Monitor& monitor) override { monitor.changed_.notify_all(); }
  void look_again(bool first, TimePoint deadline) override;
  void settle() override {}

 private:
  std::chrono::steady_clock::time_point start_;
};

}  // namespace regroup::serve
