// First come, first served on lanes of a fixed degree: a fixed pipeline. With the degree of a whole
// node this is the baseline of GF-DiT (arXiv 2606.13501); with degree 1 it is an M/G/k queue.
#include "regroup/policy/lanes.hpp"

namespace {
using namespace regroup;

struct ByArrivalTime {
  TimePoint operator()(const ClusterView&, const Task& task) const { return task.arrival; }
};

class Fcfs final : public Policy {
 public:
  explicit Fcfs(const Params& params)
      : lanes_(params.get("degree", 1, "GPUs of a lane: every request runs on that many")) {}
  void decide(const ClusterView& view, Decisions& out) override { lanes_.decide(view, out); }

 private:
  LaneScheduler<ByArrivalTime, false> lanes_;
};

}  // namespace

RG_REGISTER_POLICY(Fcfs, "fcfs", "first come, first served on lanes of a fixed degree");
