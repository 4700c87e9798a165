// Lanes of a fixed degree, requests dealt out to them in turn, whatever the load (GF-DiT's
// static_sp<degree>). With sliding lanes most of them overlap and wait for one another.
//
// Other than there: nothing. Cost of a decision: see bound_lanes.hpp.
#include "policies/builtin/lanes/lane_sets.hpp"

namespace {
using namespace regroup;

class Static final : public Policy {
 public:
  static constexpr const char* kSource = "GF-DiT, arXiv 2606.13501 (its simulator's static_sp)";

  explicit Static(const Params& params)
      : degree_(lane_degree(params.get("degree", 1, "GPUs of a lane"))), cut_(lane_cut(params)) {}
  Pinning pinning() const override { return Pinning::kWithinRequest; }

  void decide(const ClusterView& view, Decisions& out) override {
    if (lanes_.empty()) {
      lanes_.add(view, some_lanes_of(view.nodes(), degree_, cut_));
      turn_ = RoundRobin(0, lanes_.size());
    }
    lanes_.decide(view, out, [&](const Task&) { return turn_.next(lanes_, view); });
  }

 private:
  int degree_;
  LaneCut cut_;
  BoundLanes lanes_{LaneOrder::kArrival};
  RoundRobin turn_;
};

}  // namespace

RG_REGISTER_POLICY(Static, "static", "lanes of a fixed degree, requests dealt out in turn");
