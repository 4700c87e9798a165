// GPUs that come free at the step boundaries of what runs.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "policies/builtin/elastic/planner.hpp"
#include "policies/builtin/elastic/pool.hpp"

namespace regroup::elastic {

// For jobs to be saved that find no idle GPUs. Of more than Planner::kNodesAtOnce nodes a call
// looks at as many, and the next one at others. Planner and pool must outlive it.
class Boundaries {
 public:
  Boundaries(Planner& planner, Pool& pool) : planner_(planner), pool_(pool) {}

  // Each call begins with this.
  void begin() {
    for (Soonest& soonest : soonest_) soonest.known = false;
    const std::size_t nodes = planner_.ledger().nodes();
    if (nodes > Planner::kNodesAtOnce) first_ = (first_ + Planner::kNodesAtOnce) % nodes;
  }

  // Finds the node where the job's width comes together soonest, makes runs there stop at their
  // boundary, and keeps that node's idle GPUs for it. False, and nothing, if it would be late all
  // the same. In one call, jobs ask in order of urgency.
  bool await(const ClusterView& view, Job& job, std::size_t need, Decisions& out) {
    const double latest =
        job.promoted ? kForEver / 2 : job.until_deadline(planner_.now()) - job.left(need);
    for (const bool more : {false, true}) {
      const std::optional<std::uint32_t> node = soonest(view, job, job.gpus(need), more, latest);
      if (!node) continue;
      planner_.ledger().reserve(job, NodeId{*node});
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

  // When each node has so many GPUs for a job, at the earliest: the earliest on top.
  struct Soonest {
    int gpus;
    bool more;
    bool known;  // in this call
    std::vector<std::pair<double, std::uint32_t>> heap;
  };
  static bool later(const std::pair<double, std::uint32_t>& a,
                    const std::pair<double, std::uint32_t>& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  }

  // The node that is available soonest, but not after `latest`; of equals the last. Within a call
  // GPUs are only given away, and each job is less urgent than the one before, so that a node is
  // never available sooner than it was: what was found before is looked at again only when it comes
  // out on top.
  std::optional<std::uint32_t> soonest(const ClusterView& view, const Job& job, int gpus, bool more,
                                       double latest) {
    auto& heap = availability(view, job, gpus, more).heap;
    while (!heap.empty() && heap.front().first <= latest) {
      const auto [before, node] = heap.front();
      const double at = available(view, node, job, gpus, more);
      if (at == before) return node;
      std::ranges::pop_heap(heap, later);
      heap.back().first = at;
      std::ranges::push_heap(heap, later);
    }
    return std::nullopt;
  }

  Soonest& availability(const ClusterView& view, const Job& job, int gpus, bool more) {
    auto found = std::ranges::find_if(
        soonest_, [&](const Soonest& each) { return each.gpus == gpus && each.more == more; });
    if (found == soonest_.end()) found = soonest_.insert(soonest_.end(), {gpus, more, false, {}});
    if (found->known) return *found;
    found->known = true;
    found->heap.clear();
    const std::size_t nodes = planner_.ledger().nodes();
    for (std::size_t i = 0; i < std::min(nodes, Planner::kNodesAtOnce); ++i) {
      const std::size_t node = (first_ + i) % nodes;
      found->heap.emplace_back(available(view, node, job, gpus, more),
                               static_cast<std::uint32_t>(node));
    }
    std::ranges::make_heap(found->heap, later);
    return *found;
  }

  Planner& planner_;
  Pool& pool_;
  std::size_t first_ = 0;         // of the nodes that are looked at in this call
  std::vector<Soonest> soonest_;  // of the widths that were asked for: a few
};

}  // namespace regroup::elastic
