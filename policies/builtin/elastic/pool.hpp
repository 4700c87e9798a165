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

  // All of `idle`, of which up to `standby` stand by: of the nodes with the fewest idle GPUs.
  // Throughout a call, groups that it gave stay taken. O(nodes of those).
  void begin(const IdleGpus& idle, int standby) {
    idle_ = idle;
    kept_.clear();
    standby_ = std::min(standby, idle_.count());
    if (standby_ > 0) all_ = idle_;
    for (int left = standby_; left > 0;) {
      const NodeId node = idle_.node_of(idle_.pick(1)[0]);
      const int some = std::min({left, idle_.count(node), static_cast<int>(kMaxGroupSize)});
      idle_.take(idle_.pick_on(node, some));
      left -= some;
    }
  }

  int count() const { return idle_.count(); }
  int count(NodeId node) const { return idle_.count(node); }
  NodeId node_of(GpuId gpu) const { return idle_.node_of(gpu); }
  int standing_by() const { return standby_; }
  const std::vector<Kept>& kept() const { return kept_; }
  // So many of a node, still idle.
  Group some_on(NodeId node, int gpus) const { return idle_.pick_on(node, gpus); }

  // Gives a ready job `width` GPUs of one node, in place of what it may have been given before.
  // False, and nothing changed: no node has so many.
  bool assign(const ClusterView& view, Job& job, int width) {
    give_back(job);
    const Group group = idle_.pick(width, before(view, job));
    if (group.empty()) {
      take(job.group);
      return false;
    }
    take_for(job, group, width);
    return true;
  }
  // As assign(), also from what stands by, of which there is some.
  bool assign_with_standby(const ClusterView& view, Job& job, int width) {
    give_back(job);
    const Group group = all_.pick(width, before(view, job));
    if (group.empty()) {
      take(job.group);
      return false;
    }
    all_.take(group);
    for (const GpuId gpu : group)
      if (idle_.contains(gpu))
        idle_.take(gpu);
      else
        --standby_;
    job.group = group;
    job.width = width;
    return true;
  }
  // Takes back what assign() gave a moment ago: the job has that group again, as before.
  void reassign(Job& job, const Group& before, int width) {
    give_back(job);
    take_for(job, before, width);
  }

  // Keeps up to so many GPUs of the node idle.
  void keep(NodeId node, int gpus) {
    const int there = std::min(gpus, idle_.count(node));
    if (there == 0) return;
    take(idle_.pick_on(node, there));
    kept_.push_back({node, there});
  }

 private:
  // What should not change if it need not.
  static const Group& before(const ClusterView& view, const Job& job) {
    return job.group.empty() ? view.task(job.order.slot).group : job.group;
  }

  void give_back(const Job& job) {
    idle_.give(job.group);
    if (standby_ > 0) all_.give(job.group);
  }
  void take(const Group& group) {
    idle_.take(group);
    if (standby_ > 0) all_.take(group);
  }
  void take_for(Job& job, const Group& group, int width) {
    take(group);
    job.group = group;
    job.width = width;
  }

  IdleGpus idle_;
  IdleGpus all_;     // with those that stand by, while there are any
  int standby_ = 0;  // how many do
  std::vector<Kept> kept_;
};

}  // namespace regroup::elastic
