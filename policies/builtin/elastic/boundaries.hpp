// GPUs that come free at the step boundaries of what runs.
#pragma once

#include "policies/builtin/elastic/planner.hpp"
#include "policies/builtin/elastic/pool.hpp"

namespace regroup::elastic {

// For jobs to be saved that find no idle GPUs. Planner and pool must outlive it.
class Boundaries {
 public:
  Boundaries(Planner& planner, Pool& pool) : planner_(planner), pool_(pool) {}

  // Finds the node where the job's width comes together soonest, makes runs there stop at their
  // boundary, and keeps that node's idle GPUs for it. False, and nothing, if it would be late all
  // the same.
  bool await(const ClusterView& view, Job& job, std::size_t need, Decisions& out) {
    for (const bool more : {false, true}) {
      double soonest =
          job.promoted ? kForEver / 2 : job.until_deadline(planner_.now()) - job.left(need);
      std::size_t chosen = planner_.ledger().nodes();
      for (std::size_t node = 0; node < planner_.ledger().nodes(); ++node) {
        const double at = available(view, node, job, job.gpus(need), more);
        if (at > soonest) continue;
        soonest = at;
        chosen = node;
      }
      if (chosen == planner_.ledger().nodes()) continue;
      job.node = NodeId{static_cast<std::uint32_t>(chosen)};
      job.reserved = true;
      const int missing = job.gpus(need) - pool_.count(job.node);
      pool_.keep(job.node, job.gpus(need));
      call_in(view, job, missing, more, out);
      return true;
    }
    return false;
  }

  // Makes runs on the job's node stop at their boundaries, until so many GPUs are promised to it.
  void call_in(const ClusterView& view, const Job& job, int missing, bool more, Decisions& out) {
    for (const std::uint32_t slot : planner_.ledger().runs_on(job.node.value)) {
      Job& run = planner_.ledger().at(view, slot);
      if (missing <= 0) return;
      const int released = &run == &job ? 0 : planner_.releasable(run, job, more);
      if (released == 0) continue;
      missing -= released;
      leave(view, run, out);
      run.width = 0;
    }
  }

  static void leave(const ClusterView& view, Job& run, Decisions& out) {
    if (!run.leaving) out.preempt(view.task(run.order.slot));
    run.leaving = true;
  }

 private:
  // Seconds until as many GPUs of the node are idle or released as the job needs.
  double available(const ClusterView& view, std::size_t node, const Job& job, int needed,
                   bool more) {
    int count = pool_.count({static_cast<std::uint32_t>(node)});
    auto& runs = planner_.ledger().runs_on(node);
    std::ranges::sort(runs, {}, [&](std::uint32_t slot) {
      const Job& run = planner_.ledger().at(view, slot);
      return std::pair(run.until_boundary, run.order.id);
    });
    for (const std::uint32_t slot : runs) {
      const Job& run = planner_.ledger().at(view, slot);
      count += planner_.releasable(run, job, more);
      if (count >= needed) return run.until_boundary;
    }
    return kForEver;
  }

  Planner& planner_;
  Pool& pool_;
};

}  // namespace regroup::elastic
