// Shortest job first on lanes of a fixed degree: of the requests bound to a lane the one with the
// least work has it next, and keeps it to its end (GF-DiT's sjf).
//
// Cost of a decision: O(changes x (log waiting + log lanes)), and for each arrival O(1) for each
// lane that will be done within a step of the first; O(lanes) while a GPU is broken.
#include "policies/builtin/lanes/soonest_lane.hpp"

namespace {
using namespace regroup;

class Sjf final : public Policy {
 public:
  static constexpr const char* kSource = "GF-DiT, arXiv 2606.13501 (its simulator's sjf)";

  explicit Sjf(const Params& params)
      : lanes_(params.get("degree", 1, "GPUs of a lane"), LaneOrder::kShortestJob) {}
  Pinning pinning() const override { return Pinning::kWithinRequest; }
  void decide(const ClusterView& view, Decisions& out) override { lanes_.decide(view, out); }

 private:
  SoonestLane lanes_;
};

}  // namespace

RG_REGISTER_POLICY(Sjf, "sjf", "shortest job first on lanes of a fixed degree, not preemptive");
