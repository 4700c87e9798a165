// A placement on its way through the ranks.
#pragma once

#include <atomic>
#include <limits>
#include <string>
#include <vector>

#include "core/backend.hpp"
#include "runtime/collectives/rank_group.hpp"

namespace regroup::serve {

// One task of the run: what of it the ranks need after launch() has returned.
struct RunTask {
  RequestId request{};
  ModelId model{};
  Shape shape{};
  bool guided = false;  // two forward passes a step
  StageKind kind = StageKind::kDenoise;
  std::uint8_t stage = 0;
  int steps_done = 0;  // when launched
  int steps_total = 1;
  // Who puts its state, and then who lacks it. Empty: nobody does.
  collectives::RankGroup put{};
  std::uint64_t put_offset = 0;  // in the window, bytes
  std::uint64_t put_bytes = 0;
  int put_stage = 0, put_steps = 0;  // which state that is
  bool last_stage = false;           // the request ends with it
};

struct RankRun {
  virtual ~RankRun() = default;  // a dispatcher may keep more with it
  static constexpr std::uint64_t kNumbers = 64;

  RunId id{};
  std::uint32_t slot = 0;  // the dispatcher's
  Group group;
  Layout layout{};
  // Groups of some of its members are formed with the numbers after its own, kNumbers in all.
  collectives::RankGroup ranks;
  std::vector<RunTask> tasks;
  int steps = 1;
  TimePoint launched{};

  // By the cost model; waited for where the clock is virtual.
  Duration dispatch{}, setup{}, migrate{}, step{};

  std::atomic<bool> preempt = false;
  // The leader writes it before it enters the barrier of a boundary, so that every member reads the
  // same value after that barrier. It may be one boundary ahead of a slow reader, never behind.
  std::atomic<int> stop_at = std::numeric_limits<int>::max();

  // Written by the leader, read when all members have left.
  RunTimes times;
  int steps_done = 0;
  TimePoint ended{};  // when the last member left; written by the dispatcher

  std::atomic<int> members_left = 0;
  std::atomic<bool> failed = false;
};

}  // namespace regroup::serve
