// Shortest remaining time first on lanes of a fixed degree, preemptive at step boundaries (Schrage
// 1968; GF-DiT's srtf).
//
// queue=bound, as published: a request is bound to the lane with the least work when it arrives,
// and stays there also while a shorter one has it. queue=shared: it waits for any lane, and goes on
// wherever there is room.
//
// Other than published: asked when a request arrives and when a stage ends, not at every step: what
// is left of those that wait does not change meanwhile, so the answer would not either.
//
// Cost of a decision: O(changes x (log waiting + log lanes)), and for each arrival O(1) for each
// lane that will be done within a step of the first; with shared, see lanes.hpp.
#include <variant>

#include "policies/builtin/lanes/soonest_lane.hpp"
#include "regroup/policy/lanes.hpp"

namespace {
using namespace regroup;

struct Remaining {
  int degree = 1;
  Duration operator()(const ClusterView& view, const Task& task) const {
    return work_left(view, task, degree);
  }
};

class Srtf final : public Policy {
 public:
  static constexpr const char* kSource =
      "Schrage 1968; GF-DiT, arXiv 2606.13501 (its simulator's srtf)";

  explicit Srtf(const Params& params) {
    const int degree = params.get("degree", 1, "GPUs of a lane");
    if (queue_is_bound(params))
      lanes_.emplace<SoonestLane>(degree, LaneOrder::kShortestRemaining);
    else
      lanes_.emplace<Shared>(degree, Remaining{degree});
  }
  Pinning pinning() const override {
    return std::holds_alternative<SoonestLane>(lanes_) ? Pinning::kBeyondRequest : Pinning::kNone;
  }

  void decide(const ClusterView& view, Decisions& out) override {
    std::visit([&](auto& lanes) { lanes.decide(view, out); }, lanes_);
  }

 private:
  using Shared = LaneScheduler<Remaining, true>;
  std::variant<Shared, SoonestLane> lanes_{std::in_place_type<Shared>, 1};
};

}  // namespace

RG_REGISTER_POLICY(Srtf, "srtf", "shortest remaining time first on lanes of a fixed degree");
