// Which nodes have to be planned anew.
#pragma once

#include <algorithm>
#include <limits>
#include <queue>
#include <set>
#include <utility>
#include <vector>

#include "regroup/policy/idle_gpus.hpp"

namespace regroup {

// The plan of a node ends when nobody can be placed there, and that stays so until GPUs or the
// queue of the node change (touch), a moment comes, or there is somebody new who may go to any
// node. So an event is followed by plans for a few nodes, not for all that have idle GPUs.
//
// Cost: touch() O(1); visit() O(log nodes) for each touched or visited node, and as much again for
// each size of gap while nodes have any.
class NodeAgenda {
 public:
  // What a plan leaves behind.
  struct Outcome {
    bool again = false;        // somebody could still be placed, if not now: plan with every event
    int gap = 0;               // else: so many neighbouring GPUs are idle (0: none is),
    TimePoint until = kNever;  // and somebody of the node's own may be placed from then on
  };

  // Touches all nodes.
  void touch_all(std::size_t nodes) {
    nodes_.resize(nodes);
    for (std::size_t node = 0; node < nodes; ++node) touch(node);
  }
  void touch(std::size_t node) {
    if (std::exchange(nodes_[node].touched, true)) return;
    touched_.push_back(static_cast<std::uint32_t>(node));
  }
  // Touches those whose moment has come.
  void wake(TimePoint now) {
    for (; !moments_.empty() && moments_.top().first <= now; moments_.pop()) {
      nodes_[moments_.top().second].until = kNever;
      touch(moments_.top().second);
    }
  }

  // Calls plan(node) -> Outcome for each node with idle GPUs that was touched, or whose gap is at
  // least needed() -> int; those with the most idle GPUs first, of equal ones the first. needed()
  // is asked before each plan.
  template <class Needed, class Plan>
  void visit(const IdleGpus& free, Needed needed, Plan plan) {
    take_touched(free);
    auto next = touched_now_.begin();
    for (Place last = kFirst;;) {
      Place at = next != touched_now_.end() ? *next : kNone;
      if (settled_ > 0) at = std::min(at, first_gap(last, needed()));
      if (at == kNone) break;
      if (next != touched_now_.end() && at == *next)
        ++next;
      else
        unsettle(at.second);
      last = at;
      outcomes_.emplace_back(at.second, plan(at.second));
    }
    for (const auto& [node, outcome] : outcomes_) settle(node, free.count(NodeId{node}), outcome);
    outcomes_.clear();
  }

 private:
  using Place = std::pair<int, std::uint32_t>;  // less its idle GPUs, node: the order of visits
  static constexpr Place kFirst{std::numeric_limits<int>::min(), 0};
  static constexpr Place kNone{std::numeric_limits<int>::max(), 0};

  struct Node {
    bool touched = false;
    int idle = 0;  // settled: how many there are, and how many of them together
    int gap = 0;   // 0: not settled
    TimePoint until = kNever;
  };

  void take_touched(const IdleGpus& free) {
    touched_now_.clear();
    for (const std::uint32_t node : touched_) {
      nodes_[node].touched = false;
      unsettle(node);
      if (const int idle = free.count(NodeId{node}); idle > 0)
        touched_now_.emplace_back(-idle, node);
    }
    touched_.clear();
    std::ranges::sort(touched_now_);
  }

  // The first settled node after `last` with such a gap.
  Place first_gap(const Place& last, int needed) const {
    Place first = kNone;
    for (auto gap = static_cast<std::size_t>(needed); gap < by_gap_.size(); ++gap)
      if (const auto at = by_gap_[gap].upper_bound(last); at != by_gap_[gap].end())
        first = std::min(first, *at);
    return first;
  }

  // One without idle GPUs is touched before it can matter again.
  void settle(std::uint32_t node, int idle, const Outcome& outcome) {
    if (outcome.again) return touch(node);
    if (outcome.gap == 0) return;
    nodes_[node].idle = idle;
    nodes_[node].gap = outcome.gap;
    const auto gap = static_cast<std::size_t>(outcome.gap);
    if (by_gap_.size() <= gap) by_gap_.resize(gap + 1);
    by_gap_[gap].emplace(-idle, node);
    ++settled_;
    // An earlier moment that is still to come is enough: a plan too many changes nothing.
    if (outcome.until >= nodes_[node].until) return;
    nodes_[node].until = outcome.until;
    moments_.emplace(outcome.until, node);
  }
  void unsettle(std::uint32_t node) {
    const int gap = std::exchange(nodes_[node].gap, 0);
    if (gap == 0) return;
    by_gap_[static_cast<std::size_t>(gap)].erase({-nodes_[node].idle, node});
    --settled_;
  }

  std::vector<Node> nodes_;
  std::vector<std::uint32_t> touched_;
  std::vector<std::set<Place>> by_gap_;  // settled nodes
  std::size_t settled_ = 0;
  std::priority_queue<std::pair<TimePoint, std::uint32_t>,
                      std::vector<std::pair<TimePoint, std::uint32_t>>, std::greater<>>
      moments_;

  // Of one visit:
  std::vector<Place> touched_now_;
  std::vector<std::pair<std::uint32_t, Outcome>> outcomes_;
};

}  // namespace regroup
