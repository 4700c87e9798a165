// How many of the runs under way will be late, by service class.
#pragma once

#include <set>
#include <span>
#include <utility>
#include <vector>

#include "policies/builtin/steps/service_classes.hpp"

namespace regroup {

// A run that goes on as it is turns from one in time to one that is late at a moment that is known
// when it is placed. So nobody has to look at all runs to count them.
// Cost: O(log runs) for each placement and each end of a run.
class LateRuns {
 public:
  // Call it first in every decide(): runs end, and those that were placed in the last one count.
  void begin(std::span<const Change> changes) {
    for (const Change& change : changes)
      if (change.kind == Change::Kind::kTaskReady || change.kind == Change::Kind::kTaskDone)
        end(change);
    for (const std::uint32_t slot : placed_)
      if (Run& run = runs_[slot]; run.state == Run::kPlaced) count(slot, run);
    placed_.clear();
  }

  // A run of a task with a deadline begins. It will be late from after `latest`.
  void place(const Task& task, ServiceClass service, TimePoint latest) {
    if (runs_.size() <= task.slot) runs_.resize(task.slot + 1);
    runs_[task.slot] = {task.id, Run::kPlaced, service, latest};
    placed_.push_back(task.slot);
  }

  // Time goes on to `now`.
  void advance(TimePoint now) {
    for (const ServiceClass c : kServiceClasses)
      for (auto& in_time = in_time_[c]; !in_time.empty() && in_time.begin()->first < now;
           in_time.erase(in_time.begin())) {
        runs_[in_time.begin()->second].state = Run::kLate;
        ++late_[c];
      }
  }
  // As of the latest advance().
  int late(ServiceClass c) const { return late_[c]; }
  int all(ServiceClass c) const { return late_[c] + static_cast<int>(in_time_[c].size()); }

 private:
  struct Run {
    TaskId task{};
    enum State : std::uint8_t { kNone, kPlaced, kInTime, kLate } state = kNone;
    ServiceClass service{};
    TimePoint latest{};
  };

  void count(std::uint32_t slot, Run& run) {
    run.state = Run::kInTime;
    in_time_[run.service].emplace(run.latest, slot);
  }

  void end(const Change& change) {
    const std::uint32_t slot = change.task->slot;
    if (slot >= runs_.size() || runs_[slot].task != change.task->id) return;
    Run& run = runs_[slot];
    if (run.state == Run::kInTime) in_time_[run.service].erase({run.latest, slot});
    if (run.state == Run::kLate) --late_[run.service];
    run.state = Run::kNone;
  }

  std::vector<Run> runs_;              // by slot
  std::vector<std::uint32_t> placed_;  // slots, in the latest call
  PerClass<std::set<std::pair<TimePoint, std::uint32_t>>> in_time_;
  PerClass<int> late_;
};

}  // namespace regroup
