// Fails the one check of `regroup policy check` that its parameter names, and no other.
#include <map>
#include <stdexcept>
#include <string>

#include "regroup/policy/policy.hpp"

namespace {
using namespace regroup;

// How many of these were made before, by this process.
int made = 0;

class Failing final : public Policy {
 public:
  explicit Failing(const Params& params)
      : check_(params.get("check", "none", "which check to fail")), number_(made++) {}

  void decide(const ClusterView& view, Decisions& out) override {
    if (check_ == "stalls") return;
    if (check_ == "wakes") return out.wake_at(view.now() + std::chrono::seconds(1));
    for (const Change& change : view.changes())
      if (change.kind == Change::Kind::kTaskReady) note_arrival(*change.task);
    for (const Task* task : view.ready()) {
      if (out.idle().count() == 0) return;
      if (check_ == "starves" && !may_start(view, *task, out)) continue;
      // Writes into the host's own record: one step of the request is never done.
      if (check_ == "conserves" && task->kind == StageKind::kDenoise)
        const_cast<Task&>(*task).steps_done += 1;
      const Group group = pick(view, out);
      out.place(*task, group, {});
      if (check_ == "rules") out.place(*task, group, {});
    }
  }

 private:
  void note_arrival(const Task& task) { last_arrival_ = std::max(last_arrival_, task.arrival); }

  // Large images only when no request has come for ten minutes.
  bool may_start(const ClusterView& view, const Task& task, Decisions& out) const {
    const TimePoint calm = last_arrival_ + std::chrono::minutes(10);
    if (task.shape.width < 1536 || view.now() >= calm) return true;
    out.wake_at(calm);
    return false;
  }

  // One GPU: the lowest idle one, or another where the check to fail needs a difference.
  Group pick(const ClusterView& view, const Decisions& out) const {
    const bool second_day = view.now() >= TimePoint(std::chrono::hours(24));
    // A case makes four: the run, its repetition, its replay, and the run a day later.
    const bool other = (check_ == "repeats" && number_ % 2 == 1) ||
                       (check_ == "replays" && number_ % 4 == 2) ||
                       (check_ == "shifts" && second_day);
    if (!other) return out.idle().pick(1);
    Group last;
    for (const Gpu& gpu : view.gpus())
      if (out.idle().contains(gpu.id)) last = Group{gpu.id};
    return last;
  }

  std::string check_;
  int number_;
  TimePoint last_arrival_{};
};

}  // namespace

RG_REGISTER_POLICY(Failing, "failing", "fails one check of the test kit");
