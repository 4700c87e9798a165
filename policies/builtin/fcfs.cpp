// First come, first served on lanes of a fixed degree (GF-DiT's fcfs; with the degree of a whole
// node, a fixed pipeline).
//
// queue=bound, as published: a request is bound to the lane with the least work when it arrives.
// queue=shared: it waits for whatever lane is free first; with degree 1 that is an M/G/k queue, and
// what queueing theory says can be checked. A request's later stages wait for its own lane first.
//
// Cost of a decision: O(changes x (log waiting + log lanes)), and with bound, for each arrival,
// O(1) for each lane that will be done within a step of the first.
#include <variant>

#include "policies/builtin/lanes/soonest_lane.hpp"
#include "regroup/policy/lanes.hpp"

namespace {
using namespace regroup;

struct ByArrivalTime {
  TimePoint operator()(const ClusterView&, const Task& task) const { return task.arrival; }
};

class Fcfs final : public Policy {
 public:
  static constexpr const char* kSource = "GF-DiT, arXiv 2606.13501 (its simulator's fcfs)";

  explicit Fcfs(const Params& params) {
    const int degree = params.get("degree", 1, "GPUs of a lane");
    if (queue_is_bound(params))
      lanes_.emplace<SoonestLane>(degree, LaneOrder::kArrival);
    else
      lanes_.emplace<Shared>(degree);
  }
  Pinning pinning() const override {
    return std::holds_alternative<SoonestLane>(lanes_) ? Pinning::kWithinRequest : Pinning::kNone;
  }

  void decide(const ClusterView& view, Decisions& out) override {
    std::visit([&](auto& lanes) { lanes.decide(view, out); }, lanes_);
  }

 private:
  using Shared = LaneScheduler<ByArrivalTime, false>;
  std::variant<Shared, SoonestLane> lanes_{std::in_place_type<Shared>, 1};
};

}  // namespace

RG_REGISTER_POLICY(Fcfs, "fcfs", "first come, first served on lanes of a fixed degree");
