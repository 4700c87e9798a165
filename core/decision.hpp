// One decision of a policy, checked.
#pragma once

#include "regroup/policy/decisions.hpp"

namespace regroup {

struct Decision {
  enum class Kind : std::uint8_t { kPlace, kPreempt, kReject, kWakeAt };
  Kind kind{};
  // place: tasks are [first_task, first_task + task_count) of DecisionChecker::tasks()
  std::uint32_t first_task = 0;
  std::uint32_t task_count = 0;
  Group group{};
  Layout layout{};
  int steps = 0;               // place: resolved, at least 1
  const Task* task = nullptr;  // preempt, reject
  TimePoint when{};            // wake_at
};

}  // namespace regroup
