#include "runtime/serve/virtual_clock.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>

namespace regroup::serve {
namespace {

using namespace std::chrono_literals;

// Runs the bodies as threads of a clock while the test's own thread is the dispatcher.
class Threads {
 public:
  explicit Threads(Clock& clock) : clock_(clock) {}
  ~Threads() {
    clock_.wait_for_leaving();
    for (std::thread& thread : threads_) thread.join();
  }
  void start(std::function<void()> body) {
    const int id = clock_.announce();
    threads_.emplace_back([this, id, body = std::move(body)] {
      clock_.enter(id);
      body();
      clock_.leave();
    });
  }

 private:
  Clock& clock_;
  std::vector<std::thread> threads_;
};

TEST(VirtualClock, JumpsToTheEarliestSleeper) {
  VirtualClock clock;
  std::string seen;
  {
    Threads threads(clock);
    for (const int s : {30, 10, 20})
      threads.start([&, s] {
        clock.sleep_until(TimePoint(std::chrono::seconds(s)));
        seen += std::to_string(clock.now().time_since_epoch() / 1s) + " ";
      });
  }
  EXPECT_EQ(seen, "10 20 30 ");
}

TEST(VirtualClock, SleepersOfOneInstantWakeInTheirOrder) {
  for (int round = 0; round < 50; ++round) {
    VirtualClock clock;
    std::string seen;
    {
      Threads threads(clock);
      for (const char name : {'a', 'b', 'c', 'd'})
        threads.start([&, name] {
          for (int i = 1; i < 4; ++i) {
            clock.sleep_until(TimePoint(std::chrono::seconds(i)));
            seen += name;
          }
        });
    }
    EXPECT_EQ(seen, "abcdabcdabcd");
  }
}

TEST(VirtualClock, ANotifiedThreadGoesOnAtTheSameInstant) {
  VirtualClock clock;
  Monitor monitor;
  bool full = false;
  TimePoint taken{};
  {
    Threads threads(clock);
    threads.start([&] {
      std::unique_lock lock(monitor.mutex);
      while (!full) clock.wait(monitor, lock, kNever);
      taken = clock.now();
    });
    threads.start([&] {
      clock.sleep_until(TimePoint(7s));
      const std::lock_guard lock(monitor.mutex);
      full = true;
      clock.notify(monitor);
    });
  }
  EXPECT_EQ(taken, TimePoint(7s));
}

TEST(VirtualClock, AWaitEndsAtItsTime) {
  VirtualClock clock;
  Monitor monitor;
  bool notified = true;
  {
    Threads threads(clock);
    threads.start([&] {
      std::unique_lock lock(monitor.mutex);
      notified = clock.wait(monitor, lock, TimePoint(3s));
    });
  }
  EXPECT_FALSE(notified);
  EXPECT_EQ(clock.now(), TimePoint(3s));
}

TEST(VirtualClock, LookingCostsNoTimeUntilNobodyFindsAnything) {
  VirtualClock clock;
  int flag = 0;
  TimePoint found{}, gave_up{};
  {
    Threads threads(clock);
    threads.start([&] {
      for (bool first = true; flag == 0; first = false) clock.look_again(first, TimePoint(60s));
      found = clock.now();
    });
    threads.start([&] {
      for (bool first = true; clock.now() < TimePoint(9s); first = false)
        clock.look_again(first, TimePoint(9s));
      gave_up = clock.now();
    });
    threads.start([&] {
      clock.sleep_until(TimePoint(5s));
      flag = 1;
    });
  }
  EXPECT_EQ(found, TimePoint(5s));
  EXPECT_EQ(gave_up, TimePoint(9s));
}

TEST(VirtualClock, TheDispatcherComesAfterAllElseAndBeforeThoseWhoSettle) {
  VirtualClock clock;
  Monitor monitor;
  std::string seen;
  Threads threads(clock);
  threads.start([&] {
    clock.sleep_until(TimePoint(1s));
    {
      const std::lock_guard lock(monitor.mutex);
      clock.notify(monitor);
    }
    clock.settle();
    seen += "settled ";
  });
  threads.start([&] {
    clock.sleep_until(TimePoint(1s));
    seen += "other ";
  });
  std::unique_lock lock(monitor.mutex);
  EXPECT_TRUE(clock.wait(monitor, lock, kNever));
  seen += "dispatcher ";
  lock.unlock();
  clock.wait_for_leaving();
  EXPECT_EQ(seen, "other dispatcher settled ");
}

TEST(VirtualClock, TellsTheDispatcherThatNothingCanHappenAnyMore) {
  VirtualClock clock;
  Monitor monitor, never;
  bool stop = false;
  Threads threads(clock);
  threads.start([&] {
    std::unique_lock lock(never.mutex);
    while (!stop) clock.wait(never, lock, kNever);
  });
  {
    std::unique_lock lock(monitor.mutex);
    EXPECT_FALSE(clock.wait(monitor, lock, kNever));
  }
  const std::lock_guard lock(never.mutex);
  stop = true;
  clock.notify(never);
}

}  // namespace
}  // namespace regroup::serve
