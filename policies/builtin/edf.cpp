// Earliest deadline first on lanes of a fixed degree, preemptive at step boundaries (Liu, Layland
// 1973). Requests without a deadline come last.
//
// Cost of a decision: O(changes x (log waiting + log lanes)), and O(1) for each run that was told
// to make room; see lanes.hpp.
#include "regroup/policy/lanes.hpp"

namespace {
using namespace regroup;

struct ByDeadline {
  TimePoint operator()(const ClusterView&, const Task& task) const { return task.deadline; }
};

class Edf final : public Policy {
 public:
  explicit Edf(const Params& params) : lanes_(params.get("degree", 1, "GPUs of a lane")) {}
  void decide(const ClusterView& view, Decisions& out) override { lanes_.decide(view, out); }

 private:
  LaneScheduler<ByDeadline, true> lanes_;
};

}  // namespace

RG_REGISTER_POLICY(Edf, "edf", "earliest deadline first on lanes of a fixed degree");
