// A virtual clock: a thread for each rank, of which one runs at a time, in a fixed order. Time
// stands still while anything can happen, and moves by a millisecond once every rank has looked in
// vain.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace regroup::collectives::testing {

inline constexpr std::int64_t kMillisecond = 1'000'000;

class Turns {
 public:
  explicit Turns(int ranks) : present_(static_cast<std::size_t>(ranks)) {}

  // body(rank) for every rank; returns when all have returned. A rank that shall be dead returns at
  // once.
  void run(const std::function<void(int)>& body) {
    present_.assign(present_.size(), true);
    turn_ = 0;
    quiet_ = 0;
    std::vector<std::thread> threads;
    for (std::size_t rank = 0; rank < present_.size(); ++rank)
      threads.emplace_back([this, rank, &body] {
        {
          std::unique_lock lock(mutex_);
          wait(lock, rank);
        }
        body(static_cast<int>(rank));
        const std::lock_guard lock(mutex_);
        present_[rank] = false;
        quiet_ = 0;
        pass();
      });
    for (std::thread& thread : threads) thread.join();
  }

  // The rank whose turn it is lets the others go first. `in_vain`: it has done nothing since the
  // last time.
  void pause(int rank, bool in_vain) {
    std::unique_lock lock(mutex_);
    quiet_ = in_vain ? quiet_ + 1 : 0;
    if (quiet_ >= present()) {
      now_ns_ += kMillisecond;
      quiet_ = 0;
    }
    pass();
    wait(lock, static_cast<std::size_t>(rank));
  }

  // As a rank that the machine has forgotten for a while.
  void sleep_until(int rank, std::int64_t instant_ns) {
    while (now_ns() < instant_ns) pause(rank, true);
  }

  std::int64_t now_ns() const {
    const std::lock_guard lock(mutex_);
    return now_ns_;
  }

 private:
  int present() const {
    int count = 0;
    for (const bool is_present : present_) count += is_present ? 1 : 0;
    return count;
  }
  void pass() {
    if (present() == 0) return;
    do turn_ = (turn_ + 1) % present_.size();
    while (!present_[turn_]);
    changed_.notify_all();
  }
  void wait(std::unique_lock<std::mutex>& lock, std::size_t rank) {
    changed_.wait(lock, [&] { return turn_ == rank; });
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> present_;
  std::size_t turn_ = 0;
  int quiet_ = 0;  // pauses in vain since anything happened
  std::int64_t now_ns_ = 0;
};

// Pause and Clock of one rank (waiting.hpp).
struct TurnPause {
  Turns* turns;
  int rank;
  std::int64_t frozen_until_ns = 0;  // what it was waiting for may come, but it does not look
  bool in_vain = false;

  void operator()() {
    turns->pause(rank, in_vain);
    turns->sleep_until(rank, frozen_until_ns);
    in_vain = true;
  }
};
struct TurnClock {
  const Turns* turns;
  std::int64_t operator()() const { return turns->now_ns(); }
};

}  // namespace regroup::collectives::testing
