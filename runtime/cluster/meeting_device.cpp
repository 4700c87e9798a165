#include "runtime/cluster/meeting_device.hpp"

#include <fmt/format.h>

namespace regroup::cluster {
namespace {

using serve::RunTask;
using serve::StateRef;
using serve::StepContext;

class MeetingDevice final : public serve::RankDevice {
 public:
  MeetingDevice(int number, std::unique_ptr<serve::RankDevice> rank, Meetings& meetings)
      : number_(number), rank_(std::move(rank)), meetings_(meetings) {}

  StateRef step(const StepContext& context, const RunTask& task, const StateRef& now,
                std::string& why) override {
    StateRef next = rank_->step(context, task, now, why);
    const bool last_of_batch = &task == &context.run.tasks.back();
    if (next == nullptr || context.member != 0 || !last_of_batch) return next;
    // Every run of a node is one: NodeRanks makes them.
    const auto& run = static_cast<const PartRun&>(context.run);
    if (run.nodes.size() < 2) return next;
    switch (meetings_.meet(run.id, context.index, run.nodes, run.leads, run.stop_at_meeting,
                           context.deadline)) {
      case Meetings::Outcome::kGoOn:
        break;
      case Meetings::Outcome::kStop:
        run.stop = true;
        break;
      case Meetings::Outcome::kAlone:
        why = fmt::format("rank {}: not all nodes of run {} came to the end of its step {}",
                          number_, run.id.value, context.index);
        return nullptr;
    }
    return next;
  }

  void attach() override { rank_->attach(); }
  void attach_sender() override { rank_->attach_sender(); }
  StateRef begin(const RunTask& task, const StateRef& before) override {
    return rank_->begin(task, before);
  }
  std::string check(const RunTask& task, int steps, const StateRef& state) override {
    return rank_->check(task, steps, state);
  }
  StateRef snapshot(const StateRef& state) override { return rank_->snapshot(state); }
  StateRef corrupted(const StateRef& state) override { return rank_->corrupted(state); }
  StateRef await_put(const RunTask& task, TimePoint deadline, std::string& why) override {
    return rank_->await_put(task, deadline, why);
  }
  void put(const serve::Put& order, TimePoint deadline) override { rank_->put(order, deadline); }

 private:
  int number_;
  std::unique_ptr<serve::RankDevice> rank_;
  Meetings& meetings_;
};

}  // namespace

std::unique_ptr<serve::RankDevice> meeting_device(int number,
                                                  std::unique_ptr<serve::RankDevice> rank,
                                                  Meetings& meetings) {
  return std::make_unique<MeetingDevice>(number, std::move(rank), meetings);
}

}  // namespace regroup::cluster
