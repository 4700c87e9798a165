// Earliest deadline first, greedy (GF-DiT, arXiv 2606.13501; its simulator's edf_greedy).
//
// At every boundary, in order of deadline, each task takes the size on which its next step is
// fastest, of what is free: nobody looks ahead, nobody leaves anything to others. Where the cost is
// the same for every size, the smallest one is taken.
//
// Beyond what was published: a cluster may have several nodes. A group lies on one of them, the
// task's own where that has room.
//
// Cost of a decision: O(changes x log waiting + placements x layouts).
#include "policies/builtin/deadlines/edf_family.hpp"
#include "policies/builtin/deadlines/one_by_one.hpp"

namespace {
using namespace regroup;

class EdfGreedy final : public Policy {
 public:
  static constexpr const char* kSource = "GF-DiT, arXiv 2606.13501: EDF-greedy";

  explicit EdfGreedy(const Params& params) : steps_(edf::steps_of(params)) {}

  void decide(const ClusterView& view, Decisions& out) override {
    book_.replay(view, out, [&](std::span<const Change> event) {
      for (const Change& change : event)
        if (change.kind == Change::Kind::kTaskReady) waiting_.insert(*change.task);
      while (const Task* const next = waiting_.pop(book_.free().widest())) place(view, *next, out);
    });
  }

 private:
  void place(const ClusterView& view, const Task& task, Decisions& out) {
    const IdleGpus& free = book_.free();
    const Layout layout = fastest(view, task, free.widest());
    const NodeId node = edf::node_for(free, task, layout.size());
    const Group group =
        edf::is_single(task) ? free.pick_on(node, 1) : edf::pick(free, task, node, layout.size());
    book_.place(out, task, group, layout, steps_);
  }

  // Of at most that many GPUs; the smallest of equals. A cost of nothing means that it is not
  // known.
  static Layout fastest(const ClusterView& view, const Task& task, int gpus) {
    Layout best = task.layouts[0];
    Duration least = Duration::max();
    for (const Layout layout : task.layouts) {
      if (layout.size() > gpus) break;
      const Duration cost = view.cost().predict(task, layout, 1);
      if (cost <= Duration::zero() || cost >= least) continue;
      best = layout;
      least = cost;
    }
    return best;
  }

  int steps_;
  OneByOne book_;
  edf::Queue waiting_;
};

}  // namespace

RG_REGISTER_POLICY(EdfGreedy, "edf-greedy",
                   "each in order of deadline takes the size that is fastest for its next step");
