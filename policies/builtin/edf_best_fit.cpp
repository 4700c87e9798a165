// Earliest deadline first, best fit (GF-DiT, arXiv 2606.13501; its simulator's edf_best_fit).
//
// At every boundary, three passes in order of deadline. First each task gets a size: the narrowest
// with which the request meets its deadline, or the one that ends it soonest if none does, or the
// widest if it has no deadline. Then what is left over widens the most urgent as far as wider is
// really faster, then the next. Only then are GPUs chosen: those that a task has if they are free
// and exactly as many, else the lowest.
//
// Beyond what was published: a cluster may have several nodes, and each has its own budget.
//
// Cost of a decision: O(changes x log waiting + tasks it places x layouts).
#include <algorithm>
#include <utility>
#include <vector>

#include "policies/builtin/deadlines/edf_family.hpp"
#include "policies/builtin/deadlines/one_by_one.hpp"

namespace {
using namespace regroup;

class EdfBestFit final : public Policy {
 public:
  static constexpr const char* kSource = "GF-DiT, arXiv 2606.13501: EDF-best-fit";

  explicit EdfBestFit(const Params& params) : steps_(edf::steps_of(params)) {}

  void decide(const ClusterView& view, Decisions& out) override {
    const edf::Forecast forecast(view);
    book_.replay(view, out, [&](std::span<const Change> event) {
      for (const Change& change : event)
        if (change.kind == Change::Kind::kTaskReady) waiting_.insert(*change.task);
      give_sizes(forecast);
      for (Plan& plan : plans_) widen(forecast, plan);
      book_.put_back();
      for (const Plan& plan : plans_) place(plan, out);
    });
  }

 private:
  struct Plan {
    const Task* task;
    bool single;  // see edf::is_single
    NodeId node;
    const Layout* layout;  // of those of the task
    int size;              // of the layout
    TimePoint finish;      // of the request, with that layout
    int in_budget;         // GPUs of its own that the budget still counts
  };

  void give_sizes(const edf::Forecast& forecast) {
    plans_.clear();
    while (const Task* const task = waiting_.pop(book_.free().widest())) {
      const IdleGpus& budget = book_.free();
      Plan& plan = plans_.emplace_back();
      plan.task = task;
      plan.single = edf::is_single(*task);
      narrowest_in_time(forecast, plan, budget.widest());
      plan.in_budget = plan.size;
      plan.node = edf::node_for(budget, *task, plan.size);
      // Mostly there is only one, and no budget to keep.
      const bool last = waiting_.empty() || budget.count() == plan.size;
      if (last && plans_.size() == 1) break;
      spend(plan.node, std::exchange(plan.in_budget, 0));
    }
  }

  // Of at most that many GPUs. Without a deadline, the widest.
  static void narrowest_in_time(const edf::Forecast& forecast, Plan& plan, int gpus) {
    const Task& task = *plan.task;
    if (task.deadline == kNever) {
      plan.layout = &*std::ranges::find(task.layouts, task.widest(gpus));
      plan.size = plan.layout->size();
      plan.finish = forecast.finish(task, plan.size);
      return;
    }
    plan.finish = kNever;
    for (const Layout& layout : task.layouts) {
      const int size = layout.size();
      if (size > gpus) break;
      const TimePoint finish = forecast.finish(task, size);
      if (finish >= plan.finish) continue;
      plan.layout = &layout;
      plan.size = size;
      plan.finish = finish;
      if (finish <= task.deadline) return;
    }
  }

  // As long as its node's budget has the next size that ends the request sooner.
  void widen(const edf::Forecast& forecast, Plan& plan) {
    if (plan.single) return;
    int room = book_.free().count(plan.node) - plan.in_budget;
    const Layout* const end = &plan.task->layouts.back() + 1;
    for (const Layout* wider = plan.layout + 1; wider != end; ++wider) {
      const int size = wider->size();
      const int more = size - plan.size;
      if (more > room) break;
      const TimePoint finish = forecast.finish(*plan.task, size);
      if (finish >= plan.finish) continue;
      // Nobody else looks at the budget where there is no other plan.
      if (plans_.size() > 1) spend(plan.node, more);
      room -= more;
      plan.layout = wider;
      plan.size = size;
      plan.finish = finish;
    }
  }

  // Which GPUs does not matter here: only how many each node has left.
  void spend(NodeId node, int gpus) { book_.set_aside(book_.free().pick_on(node, gpus)); }

  void place(const Plan& plan, Decisions& out) {
    const IdleGpus& free = book_.free();
    const Group group = plan.single ? free.pick_on(plan.node, 1)
                                    : edf::pick(free, *plan.task, plan.node, plan.size);
    book_.place(out, *plan.task, group, *plan.layout, steps_);
  }

  int steps_;
  OneByOne book_;
  edf::Queue waiting_;
  std::vector<Plan> plans_;
};

}  // namespace

RG_REGISTER_POLICY(EdfBestFit, "edf-best-fit",
                   "narrowest group that meets the deadline, spare GPUs to the most urgent");
