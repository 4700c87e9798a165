// One node of a TetriServe cluster: who wants GPUs of it, and how many each is to get.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "policies/builtin/deadlines/edf_family.hpp"
#include "policies/builtin/deadlines/group_knapsack.hpp"

namespace regroup::tetriserve {

// What a width means for a request, as predicted when its task became ready.
struct Width {
  Layout layout{};
  Duration left{};  // of the whole request
  Duration step{};  // of one denoising step
};

// A task of a stage that can have several widths, ready or running.
struct Candidate {
  edf::Key key;
  bool running = false;
  int steps = 0;              // of denoising, when the run under way (if any) has ended
  std::vector<Width> widths;  // ascending, at least one
  int target = 0;             // GPUs it is to get by the latest plan; 0: it waits
};

class NodePlan {
 public:
  NodeId id{};
  int gpus = 0;                                 // that work
  Duration work{};                              // of the requests that are at home here, on one GPU
  std::set<edf::Key> singles;                   // ready tasks of single-GPU stages
  std::set<std::pair<TimePoint, TaskId>> ends;  // of the runs under way, as expected
  TimePoint asks_at = kNever;                   // the wake-up that was asked for

  // The tasks of the others, by arrival and by deadline.
  void add(Candidate candidate, TaskId task) {
    const auto at = candidates_.insert_or_assign({candidate.key.request, task}, candidate).first;
    by_deadline_[candidate.key] = &at->second;
  }
  void remove(RequestId request, TaskId task) {
    const auto found = candidates_.find({request, task});
    if (found == candidates_.end()) return;
    by_deadline_.erase(found->second.key);
    candidates_.erase(found);
  }
  Candidate* find(RequestId request, TaskId task) {
    const auto found = candidates_.find({request, task});
    return found == candidates_.end() ? nullptr : &found->second;
  }
  const std::map<edf::Key, Candidate*>& by_deadline() const { return by_deadline_; }
  bool anybody_waits() const {
    return std::ranges::any_of(by_deadline_,
                               [](const auto& each) { return !each.second->running; });
  }

  // Gives every candidate its target. `window`: how long a request that gets nothing now has to
  // wait; zero: as long as a step of it takes. Running requests are planned for, too: what they are
  // to get at their next step.
  void plan(TimePoint now, Duration window) {
    choose(now, window);
    int left = gpus;
    for (const auto& [key, candidate] : by_deadline_) left -= candidate->target;
    fill(now, left);
    widen(left);
  }

 private:
  // A GPU that is not needed is worth a little: of widths that are in time the narrowest counts.
  static constexpr double kGpu = 1e-6;

  // In the last step there is nothing left to plan.
  static bool active(const Candidate& candidate) { return candidate.steps > 0; }

  // The narrowest width in time; nullptr: none is.
  const Width* in_time(const Candidate& candidate, TimePoint now) const {
    for (const Width& width : candidate.widths) {
      if (width.layout.size() > gpus) break;
      if (candidate.key.deadline == kNever || now + width.left <= candidate.key.deadline)
        return &width;
    }
    return nullptr;
  }
  const Width* widest(const Candidate& candidate) const {
    const Width* best = nullptr;
    for (const Width& width : candidate.widths)
      if (width.layout.size() <= gpus) best = &width;
    return best;
  }

  Duration fastest_step(const Candidate& candidate) const {
    Duration fastest = candidate.widths.front().step;
    for (const Width& width : candidate.widths)
      if (width.layout.size() <= gpus) fastest = std::min(fastest, width.step);
    return fastest;
  }

  // Those that can be in time only if they run now, and those for whom there is room besides.
  void choose(TimePoint now, Duration window) {
    items_.clear();
    for (auto& [key, candidate] : candidates_) {
      candidate.target = 0;
      if (!active(candidate)) continue;
      const Duration step = fastest_step(candidate);
      const Duration wait = window > Duration::zero() ? window : step;
      const TimePoint deadline = candidate.key.deadline;
      const bool can_wait = deadline == kNever || now + wait + candidate.steps * step <= deadline;
      const Width* const width = in_time(candidate, now);
      const int size = width != nullptr ? width->layout.size() : 0;
      items_.push_back({can_wait ? 1.0 : 0.0, size, 1.0 - kGpu * size});
    }
    const std::vector<bool>& taken = knapsack_.solve(items_, gpus);
    std::size_t next = 0;
    for (auto& [key, candidate] : candidates_) {
      if (!active(candidate)) continue;
      if (taken[next]) candidate.target = items_[next].width;
      ++next;
    }
  }

  // What is left goes to the others, most urgent first: what each needs to be in time, or all it
  // can use if it cannot be; if there is not so much, the least it can do with.
  void fill(TimePoint now, int& left) {
    for (const auto& [key, candidate] : by_deadline_) {
      if (left <= 0) return;
      if (!active(*candidate) || candidate->target > 0) continue;
      const Width* wanted = in_time(*candidate, now);
      if (wanted == nullptr) wanted = widest(*candidate);
      if (wanted == nullptr) continue;
      if (wanted->layout.size() > left) wanted = &candidate->widths.front();
      if (wanted->layout.size() > left) continue;
      candidate->target = wanted->layout.size();
      left -= candidate->target;
    }
  }

  // And then to whom the next width makes faster, most urgent first.
  void widen(int& left) {
    for (const auto& [key, candidate] : by_deadline_) {
      if (left <= 0) return;
      if (candidate->target == 0) continue;
      const Width* now = nullptr;
      for (const Width& width : candidate->widths) {
        const int size = width.layout.size();
        if (now != nullptr) {
          if (size - candidate->target > left || width.step >= now->step) break;
          left -= size - candidate->target;
          candidate->target = size;
        }
        if (size == candidate->target) now = &width;
      }
    }
  }

  // By arrival (and task: the stages of a request may run side by side).
  std::map<std::pair<RequestId, TaskId>, Candidate> candidates_;
  std::map<edf::Key, Candidate*> by_deadline_;
  std::vector<GroupKnapsack::Item> items_;
  GroupKnapsack knapsack_;
};

}  // namespace regroup::tetriserve
