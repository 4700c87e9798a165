// Earliest deadline first, as a key for sets and maps.
#pragma once

#include "regroup/policy/task.hpp"

namespace regroup {

// Order: earlier deadline (none comes last), more important, earlier arrival, earlier task.
// Constant while the task lives, so a policy can keep it and find the task again by its slot.
struct DeadlineOrder {
  TimePoint deadline;
  int less_important;
  TimePoint arrival;
  TaskId id;
  std::uint32_t slot;

  DeadlineOrder() = default;
  explicit DeadlineOrder(const Task& t)
      : deadline(t.deadline),
        less_important(-t.priority),
        arrival(t.arrival),
        id(t.id),
        slot(t.slot) {}
  auto operator<=>(const DeadlineOrder&) const = default;
};

}  // namespace regroup
