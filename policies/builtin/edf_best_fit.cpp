// Earliest deadline first, best fit (GF-DiT, arXiv 2606.13501; its simulator's edf_best_fit).
//
// At every boundary, in order of deadline: the narrowest group that still meets the deadline, or
// the fastest one if none does. What is left over widens the most urgent, as long as wider is
// really faster. Everything is placed for `steps` steps and then decided again.
//
// Cost of a decision: O(changes x log waiting + idle GPUs x layouts).
#include <set>
#include <vector>

#include "regroup/policy/deadline_order.hpp"
#include "regroup/policy/policy.hpp"

namespace {
using namespace regroup;

class EdfBestFit final : public Policy {
 public:
  explicit EdfBestFit(const Params& params)
      : steps_(params.get("steps", 1, "denoising steps from one decision to the next")) {
    if (steps_ < 1) throw std::invalid_argument("steps: at least 1");
  }

  void decide(const ClusterView& view, Decisions& out) override {
    for (const Change& change : view.changes())
      if (change.kind == Change::Kind::kTaskReady) waiting_.emplace(view.task(change.slot));
    IdleGpus idle = out.idle();
    plans_.clear();
    for (auto it = waiting_.begin(); it != waiting_.end() && idle.count() > 0; ++it)
      plan(view, view.task(it->slot), idle);
    while (widen_one(view, idle)) {
    }
    for (const Plan& plan : plans_) {
      waiting_.erase(DeadlineOrder(*plan.task));
      const int steps = std::min(steps_, plan.task->steps_left());
      out.place(*plan.task, plan.group, plan.layout, steps);
    }
  }

 private:
  struct Plan {
    const Task* task;
    Group group;
    Layout layout;
  };

  static TimePoint finish(const ClusterView& view, const Task& task, Layout layout) {
    return view.now() + view.cost().remaining(task, layout.size());
  }

  // Among what one node has idle: the narrowest in time, else the one that is done first. Without a
  // deadline: the widest.
  void plan(const ClusterView& view, const Task& task, IdleGpus& idle) {
    const int widest = idle.widest();
    const Layout* best = nullptr;
    for (const Layout& layout : view.layouts(task)) {
      if (layout.size() > widest) break;
      if (task.deadline == kNever || best == nullptr ||
          finish(view, task, layout) < finish(view, task, *best))
        best = &layout;
      if (finish(view, task, layout) <= task.deadline && task.deadline != kNever) break;
    }
    if (best == nullptr) return;
    plans_.push_back({&task, idle.pick(best->size(), task.group), *best});
    idle.take(plans_.back().group);
  }

  // Gives the most urgent plan that gains by it its next wider layout. False: none does.
  bool widen_one(const ClusterView& view, IdleGpus& idle) {
    if (idle.count() == 0) return false;
    for (Plan& plan : plans_) {
      const NodeId node = idle.node_of(plan.group[0]);
      for (const Layout& layout : view.layouts(*plan.task)) {
        if (layout.size() <= plan.layout.size()) continue;
        const int more = layout.size() - plan.layout.size();
        if (more > idle.count(node) ||
            finish(view, *plan.task, layout) >= finish(view, *plan.task, plan.layout))
          break;
        for (const GpuId gpu : plan.group) idle.give(gpu);
        plan.group = idle.pick(layout.size(), plan.group);
        plan.layout = layout;
        idle.take(plan.group);
        return true;
      }
    }
    return false;
  }

  int steps_;
  std::set<DeadlineOrder> waiting_;
  std::vector<Plan> plans_;
};

}  // namespace

RG_REGISTER_POLICY(EdfBestFit, "edf-best-fit",
                   "narrowest group that meets the deadline, spare GPUs to the most urgent");
