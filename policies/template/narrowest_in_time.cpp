// Earliest deadline first; a task gets the fewest GPUs with which its request is still in time.
#include <map>
#include <stdexcept>

#include "regroup/policy/policy.hpp"

namespace {
using namespace regroup;

class NarrowestInTime final : public Policy {
 public:
  explicit NarrowestInTime(const Params& params)
      : steps_(params.get("steps", 1, "denoising steps until a task is looked at again")) {
    if (steps_ < 1) throw std::invalid_argument("steps: must be at least 1");
  }

  void decide(const ClusterView& view, Decisions& out) override {
    for (const Change& change : view.changes())
      if (change.kind == Change::Kind::kTaskReady)
        queue_.insert({{change.task->deadline, change.request}, change.task});

    while (!queue_.empty()) {
      const Task& task = *queue_.begin()->second;
      const Layout layout = narrowest(view, task, out.idle().widest());
      const Group group = out.idle().pick(layout.size(), task.group);  // where it is, if possible
      if (group.empty()) return;  // it waits, and all that are due later wait behind it
      out.place(task, group, layout, std::min(steps_, task.steps_left()));
      queue_.erase(queue_.begin());
    }
  }

 private:
  // The narrowest layout that ends in time; if none does, the widest. Of those up to `gpus` GPUs.
  static Layout narrowest(const ClusterView& view, const Task& task, int gpus) {
    for (const Layout layout : task.layouts) {
      if (layout.size() > gpus) break;
      if (view.now() + view.cost().remaining(task, layout.size()) <= task.deadline) return layout;
    }
    return task.widest(gpus);
  }

  std::multimap<std::pair<TimePoint, RequestId>, const Task*> queue_;  // by when they are due
  int steps_;
};
}  // namespace

RG_REGISTER_POLICY(NarrowestInTime, "narrowest-in-time", "the fewest GPUs that meet the deadline");
