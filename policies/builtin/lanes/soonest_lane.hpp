// Side-by-side lanes of one degree, each request on the one where it would be done first: what
// fcfs, sjf and srtf have in common. Private to the built-in policies.
#pragma once

#include "policies/builtin/lanes/lane_sets.hpp"

namespace regroup {

// Cost of a decision: that of BoundLanes, and of BoundLanes::soonest() for each arrival.
class SoonestLane {
 public:
  SoonestLane(int degree, LaneOrder order) : degree_(lane_degree(degree)), lanes_(order) {}

  void decide(const ClusterView& view, Decisions& out) {
    if (lanes_.empty()) lanes_.add(view, some_lanes_of(view.nodes(), degree_, LaneCut::kPartition));
    lanes_.decide(view, out, [&](const Task& task) { return lanes_.soonest(view, task); });
  }

 private:
  int degree_;
  BoundLanes lanes_;
};

// Whether requests are bound to a lane when they arrive.
inline bool queue_is_bound(const Params& params) {
  const std::string text = params.get(
      "queue", "bound",
      "bound: each request waits for one lane, the one with the least work when it arrives; "
      "shared: for any");
  if (text == "bound") return true;
  if (text == "shared") return false;
  throw std::invalid_argument("queue=" + text + ": bound or shared");
}

}  // namespace regroup
