// The events of one instant, one after the other.
#pragma once

#include <algorithm>
#include <vector>

#include "regroup/policy/policy.hpp"

namespace regroup {

// The published policies are told of one event at a time and act after each, seeing only the GPUs
// that are free by then. This takes an instant apart again, and keeps the book of free GPUs.
class OneByOne {
 public:
  // For each event: gives back the GPUs of the run that ended, then calls event(changes). Arrivals
  // come first, the rest in order. The end of a stage and what follows from it are one event.
  template <class Event>
  void replay(const ClusterView& view, const Decisions& out, Event event) {
    if (!started_) free_ = out.idle();
    started_ = true;
    const auto changes = view.changes();
    for (const bool arrivals : {true, false}) {
      std::size_t end = 0;
      for (std::size_t begin = 0; begin < changes.size(); begin = end) {
        end = begin + 1;
        if (changes[begin].kind == Change::Kind::kTaskDone)
          while (end < changes.size() && follows(changes[end], changes[begin])) ++end;
        if (arrives(view, changes[begin]) != arrivals) continue;
        const auto together = changes.subspan(begin, end - begin);
        for (const Change& change : together) settle(change, out.idle());
        event(together);
      }
    }
  }

  const IdleGpus& free() const { return free_; }

  // Takes GPUs out of free() while somebody plans, until put_back() returns all of them. A copy to
  // plan with would cost O(nodes).
  void set_aside(const Group& group) {
    free_.take(group);
    aside_.push_back(group);
  }
  void put_back() {
    for (const Group& group : aside_) free_.give(group);
    aside_.clear();
  }

  void place(Decisions& out, const Task& task, const Group& group, Layout layout, int steps) {
    out.place(task, group, layout, std::min(steps, task.steps_left()));
    free_.take(group);
    if (runs_.size() <= task.slot) runs_.resize(task.slot + 1);
    runs_[task.slot] = {task.id, group};
  }

 private:
  struct Run {
    TaskId task{};
    Group group;  // empty: none
  };

  static bool arrives(const ClusterView& view, const Change& change) {
    return change.kind == Change::Kind::kTaskReady && view.task(change.slot).group.empty();
  }
  static bool follows(const Change& change, const Change& done) {
    return (change.kind == Change::Kind::kTaskReady || change.kind == Change::Kind::kRequestDone) &&
           change.request == done.request;
  }

  // `idle` has this instant's failures in it already: nothing is given back that broke.
  void settle(const Change& change, const IdleGpus& idle) {
    const auto comes_back = [&](GpuId gpu) { return idle.contains(gpu) && !free_.contains(gpu); };
    const auto give = [&](const Group& group) {
      if (std::ranges::all_of(group, comes_back)) return free_.give(group);
      for (const GpuId gpu : group)
        if (comes_back(gpu)) free_.give(gpu);
    };
    switch (change.kind) {
      case Change::Kind::kTaskReady:
      case Change::Kind::kTaskDone:
        if (change.slot >= runs_.size() || runs_[change.slot].task != change.task) break;
        give(runs_[change.slot].group);
        runs_[change.slot].group.clear();
        break;
      case Change::Kind::kGpuFailed:
        if (free_.contains(change.gpu)) free_.take(change.gpu);
        break;
      case Change::Kind::kGpuRepaired:
        give({change.gpu});
        break;
      case Change::Kind::kRequestDone:
      case Change::Kind::kWoke:
        break;
    }
  }

  bool started_ = false;
  IdleGpus free_;
  std::vector<Run> runs_;     // by slot
  std::vector<Group> aside_;  // see set_aside()
};

}  // namespace regroup
