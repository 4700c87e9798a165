// Shortest remaining time first on lanes of a fixed degree, preemptive at step boundaries (Schrage
// 1968; the simulator of GF-DiT, arXiv 2606.13501, calls it srtf_sp<degree>).
#include "regroup/policy/lanes.hpp"

namespace {
using namespace regroup;

class Remaining {
 public:
  explicit Remaining(int degree) : degree_(degree) {}
  Duration operator()(const ClusterView& view, const Task& task) const {
    Duration left = view.cost().remaining(task, degree_);
    if (task.running) left -= done_since_launch(view, task);
    return left;
  }

 private:
  // remaining() counts from the last boundary the host was told of.
  Duration done_since_launch(const ClusterView& view, const Task& task) const {
    const int steps = view.progress(task).steps_done - task.steps_done;
    return steps * view.cost().predict(task, task.layout, 1);
  }
  int degree_;
};

class Srtf final : public Policy {
 public:
  explicit Srtf(const Params& params) : Srtf(params.get("degree", 1, "GPUs of a lane")) {}
  void decide(const ClusterView& view, Decisions& out) override { lanes_.decide(view, out); }

 private:
  explicit Srtf(int degree) : lanes_(degree, Remaining(degree)) {}
  LaneScheduler<Remaining, true> lanes_;
};

}  // namespace

RG_REGISTER_POLICY(Srtf, "srtf", "shortest remaining time first on lanes of a fixed degree");
