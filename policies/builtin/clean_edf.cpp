// Preemption at step boundaries by urgency alone (GF-DiT, arXiv 2606.13501; its simulator's
// clean_edf_pause and clean_edf_demote).
//
// The machinery is in step_boundary.hpp, with what is ours in it; step_preempt.cpp says why. The
// score of a move is (1 + share of the request's own length that is saved) / (1 + lateness in own
// lengths): what is done soon and in time comes first, and what is late anyway comes last.
//
// SLO attainment on the reference's workloads at 8 GPUs: the same; at
// a load of 1 (mode pause) 57.9 % to its 64.5 %, which is 57.9 % there, too, once it counts the 3
// ms that a state takes between the one GPU of an encoder and the group that denoises.
//
// Cost of a decision: see step_boundary.hpp.
#include "policies/builtin/steps/step_boundary.hpp"

namespace {
using namespace regroup;

class CleanEdf final : public StepBoundary {
 public:
  static constexpr const char* kSource = "GF-DiT, arXiv 2606.13501 (clean EDF)";

  explicit CleanEdf(const Params& params) : StepBoundary(params) {}

 private:
  double score(const ClusterView& view, const Move& move) const override {
    const QueuedRequest& request = *move.request;
    const double saved = std::max(0.0, 1 - move.left_s / request.alone_s);
    if (request.deadline == kNever) return 1 + saved;
    const double until = to_seconds(request.deadline - view.now());
    const double late = std::max(0.0, move.left_s + move.migrate_s - until) / request.alone_s;
    return (1 + saved) / (1 + late);
  }
};

}  // namespace

RG_REGISTER_POLICY(CleanEdf, "clean-edf",
                   "in time and soon first, long requests paused or demoted at step boundaries");
