// The GPUs that one call has to give away.
#pragma once

#include <algorithm>
#include <vector>

#include "policies/builtin/elastic/job.hpp"
#include "regroup/policy/idle_gpus.hpp"

namespace regroup::elastic {

// Idle GPUs, less what is planned for a job, kept for a run that stops soon, or standing by.
class Pool {
 public:
  struct Kept {
    NodeId node;
    int gpus;
  };

  // All of `idle`, of which up to `standby` stand by. Throughout a call, groups that it gave stay
  // taken.
  void begin(const IdleGpus& idle, int standby) {
    idle_ = idle;
    kept_.clear();
    standby_.clear();
    for (int i = std::min(standby, idle_.count()); i > 0; --i) {
      const Group one = idle_.pick(1);
      idle_.take(one);
      standby_.push_back(one[0]);
    }
  }

  int count() const { return idle_.count(); }
  int count(NodeId node) const { return idle_.count(node); }
  NodeId node_of(GpuId gpu) const { return idle_.node_of(gpu); }
  int standing_by() const { return static_cast<int>(standby_.size()); }
  const std::vector<Kept>& kept() const { return kept_; }
  // So many of a node, still idle.
  Group some_on(NodeId node, int gpus) const { return idle_.pick_on(node, gpus); }

  // Gives a ready job `width` GPUs of one node, in place of what it may have been given before.
  // False, and nothing changed: no node has so many.
  bool assign(const ClusterView& view, Job& job, int width) {
    give_back(job);
    const Group group =
        idle_.pick(width, job.group.empty() ? view.task(job.order.slot).group : job.group);
    if (group.empty()) {
      idle_.take(job.group);
      return false;
    }
    assign_group(job, group, width);
    return true;
  }
  // As assign(), also from what stands by.
  bool assign_with_standby(const ClusterView& view, Job& job, int width) {
    for (const GpuId gpu : standby_) idle_.give(gpu);
    const bool done = assign(view, job, width);
    std::erase_if(standby_, [&](GpuId gpu) { return !idle_.contains(gpu); });
    for (const GpuId gpu : standby_) idle_.take(gpu);
    return done;
  }
  // Takes back what assign() gave a moment ago: the job has that group again, as before.
  void reassign(Job& job, const Group& before, int width) {
    give_back(job);
    assign_group(job, before, width);
  }

  // Keeps up to so many GPUs of the node idle.
  void keep(NodeId node, int gpus) {
    const int there = std::min(gpus, idle_.count(node));
    if (there == 0) return;
    idle_.take(idle_.pick_on(node, there));
    kept_.push_back({node, there});
  }

 private:
  void give_back(const Job& job) {
    for (const GpuId gpu : job.group) idle_.give(gpu);
  }
  void assign_group(Job& job, const Group& group, int width) {
    idle_.take(group);
    job.group = group;
    job.width = width;
  }

  IdleGpus idle_;
  std::vector<GpuId> standby_;
  std::vector<Kept> kept_;
};

}  // namespace regroup::elastic
