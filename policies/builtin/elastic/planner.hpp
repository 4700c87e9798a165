// What elastic knows at one instant, and whom it means to save.
#pragma once

#include <cmath>

#include "policies/builtin/elastic/ageing.hpp"
#include "policies/builtin/elastic/ledger.hpp"
#include "policies/builtin/elastic/settings.hpp"
#include "policies/builtin/elastic/standby.hpp"
#include "policies/builtin/elastic/triage.hpp"
#include "regroup/policy/decisions.hpp"

namespace regroup::elastic {

class Planner {
 public:
  explicit Planner(const Params& params)
      : settings_(params), ledger_(settings_.starvation), ageing_(settings_.ageing) {}

  // Takes in what changed. Every live / 32 calls all is looked at again; an arrival counts for 8.
  void update(const ClusterView& view, Decisions& out) {
    begin(view);
    for (const Change& change : view.changes()) take_in(view, change);
    promote(view, out);
    if (stage_ == Stage::kNone && stale_ * kPlanEvery >= ledger_.live()) begin_plan(view);
    if (stage_ != Stage::kNone) go_on_planning(view);
  }

  const Settings& settings() const { return settings_; }
  bool saves() const { return settings_.objective == Objective::kViolations; }
  TimePoint now() const { return now_; }
  int capacity() const { return capacity_; }  // GPUs that work
  // Everything was looked at, and now it is the turn of these nodes [first, end) to have their runs
  // looked at: all of them at once if there are no more than kNodesAtOnce.
  struct Nodes {
    std::size_t first = 0, end = 0;
  };
  const Nodes& turn() const { return turn_; }
  bool planned() const { return turn_.first < turn_.end; }
  static constexpr std::size_t kNodesAtOnce = 256;
  Ledger& ledger() { return ledger_; }
  const Ledger& ledger() const { return ledger_; }
  Standby& standby() { return standby_; }

  // Index of the narrowest width in time, or kLate.
  std::size_t need(const Job& job) const {
    return job.promoted ? 0 : job.need(now_, settings_.margin);
  }
  // GPUs that a run gives up for a job in need: all of them if it stops anyway or is not saved,
  // what it has beyond its own need, and, if asked for `more`, all if it is due later than the job.
  int releasable(const Job& run, const Job& job, bool more) const {
    if (run.width == 0) return 0;  // promised to another
    if (run.leaving || !run.saved) return run.width;
    if (run.promoted) return 0;
    if (more && (job.promoted || job.order < run.order)) return run.width;
    const std::size_t needed = need(run);
    return needed == kLate ? run.width : std::max(0, run.width - run.gpus(needed));
  }

  // It cannot be in time any more.
  void give_up(Job& job) {
    if (!job.running && job.order.deadline != kNever) hopeless_.push_back(job.order.slot);
    ledger_.save(job, false);
  }
  // Slots of tasks that waited when they were found to be late whatever is done, in this call.
  const std::vector<std::uint32_t>& hopeless() const { return hopeless_; }

  // Its place among the waiting, larger is sooner: completions a second for each GPU, so least work
  // first; for fairness the time, negative, at which it will have been slowed down as much as the
  // worst.
  double rank(const Job& job) const {
    if (settings_.objective != Objective::kFairness) return 1 / job.area(0);
    return -(to_seconds(job.order.arrival) + slowdown_ * job.curve->alone);
  }
  // The largest of any request, by the latest plan that moved it.
  double slowdown() const { return slowdown_; }

 private:
  static constexpr std::size_t kPlanEvery = 32;
  static constexpr std::size_t kArrival = 8;
  // A plan of more tasks goes on in the next call, so that none takes long.
  static constexpr std::size_t kAtOnce = 2048;

  void begin(const ClusterView& view) {
    ledger_.begin(view);
    now_ = view.now();
    ++stale_;
    turn_ = {};
    hopeless_.clear();
    if (capacity_known_) return;
    capacity_known_ = true;
    for (const Gpu& gpu : view.gpus()) capacity_ += gpu.state != GpuState::kFailed;
    for (const Change& change : view.changes())  // counted once more below
      capacity_ +=
          (change.kind == Change::Kind::kGpuFailed) - (change.kind == Change::Kind::kGpuRepaired);
  }

  void take_in(const ClusterView& view, const Change& change) {
    switch (change.kind) {
      case Change::Kind::kTaskReady:
        take_in_ready(view, *change.task);
        break;
      case Change::Kind::kTaskDone:
        ledger_.done(change.task->slot);
        break;
      case Change::Kind::kRequestDone:
        ledger_.request_done(change.request);
        break;
      case Change::Kind::kGpuFailed:
      case Change::Kind::kGpuRepaired:
        capacity_ += change.kind == Change::Kind::kGpuRepaired ? 1 : -1;
        ledger_.node_changed(view.gpus()[change.gpu.value].node);
        stale_ += ledger_.live();
        break;
      case Change::Kind::kWoke:
        break;
    }
  }

  void take_in_ready(const ClusterView& view, const Task& task) {
    const bool is_new = ledger_.ready(view, task);
    Job& job = ledger_.at(view, task.slot);
    ledger_.set_rank(job, rank(job));
    if (!is_new) return;
    const std::size_t needed = need(job);
    if (needed == kLate)
      give_up(job);
    else if (saves())
      ledger_.save(job, true);
    if (task.arrival != now_) return;
    stale_ += kArrival;
    if (needed == kLate) return;
    standby_.arrived(now_, job.until_deadline(now_) - job.left(needed), job.area(needed));
  }

  void promote(const ClusterView& view, Decisions& out) {
    const auto& due = ledger_.due();
    ageing_.advance(now_, capacity_, !due.empty() && due.begin()->at <= now_);
    while (!due.empty() && due.begin()->at <= now_) {
      Job& job = ledger_.at(view, due.begin()->slot);
      if (!ageing_.afford(job.area(0))) break;
      ledger_.promote(job);
    }
    if (due.empty()) return;
    const double work = ledger_.at(view, due.begin()->slot).area(0);
    const TimePoint at = due.begin()->at > now_
                             ? due.begin()->at
                             : now_ + from_seconds(ageing_.wait(work, capacity_));
    if (at <= now_ || (wake_ > now_ && at >= wake_)) return;
    wake_ = at;
    out.wake_at(at);
  }

  // Looks at everything: who can be saved, all of them together.
  void begin_plan(const ClusterView& view) {
    stage_ = Stage::kTriage;
    stale_ = 0;
    verdicts_.clear();
    worst_ = 1;
    triage_.begin(capacity_ * (1 - settings_.reserve), promised(view));
  }

  void go_on_planning(const ClusterView& view) {
    if (stage_ == Stage::kTriage && triage(view)) {
      stage_ = Stage::kSave;
      told_ = 0;
    }
    if (stage_ == Stage::kSave && save(view)) stage_ = slower() ? Stage::kRank : Stage::kRuns;
    if (stage_ == Stage::kRank &&
        ledger_.go_round(view, kAtOnce, [&](Job& job) { ledger_.set_rank(job, rank(job)); }))
      stage_ = Stage::kRuns;
    if (stage_ != Stage::kRuns) return;
    if (runs_from_ == 0) ledger_.drop_reservations();  // they are made anew in this call
    turn_ = {runs_from_, std::min(runs_from_ + kNodesAtOnce, ledger_.nodes())};
    runs_from_ = turn_.end < ledger_.nodes() ? turn_.end : 0;
    if (runs_from_ == 0) stage_ = Stage::kNone;
  }

  // True: all have a verdict.
  bool triage(const ClusterView& view) {
    return ledger_.go_round(view, kAtOnce, [&](Job& job) {
      const double so_far = to_seconds(now_ - job.order.arrival);
      worst_ = std::max(worst_, (so_far + job.left(0)) / job.curve->alone);
      if (job.promoted) return;
      const std::size_t needed = need(job);
      const bool late = needed == kLate;
      if (late && !job.running && job.order.deadline != kNever) hopeless_.push_back(job.order.slot);
      const auto index = static_cast<std::uint32_t>(verdicts_.size());
      verdicts_.push_back({job.order.id, job.order.slot, job.saved, saves() && !late});
      if (verdicts_.back().saved)
        triage_.add(index, job.area(needed), job.until_deadline(now_),
                    [&](std::uint32_t dropped) { verdicts_[dropped].saved = false; });
    });
  }

  // True: all verdicts hold.
  bool save(const ClusterView& view) {
    const std::size_t end = std::min(told_ + kAtOnce, verdicts_.size());
    for (; told_ < end; ++told_) {
      const Verdict& verdict = verdicts_[told_];
      if (verdict.saved != verdict.was_saved && ledger_.is_live(verdict.slot, verdict.id))
        ledger_.save(ledger_.at(view, verdict.slot), verdict.saved);
    }
    return told_ == verdicts_.size();
  }

  // GPU seconds that the promoted need.
  double promised(const ClusterView& view) {
    double sum = 0;
    ledger_.for_each_promoted(view, [&](const Job& job) { sum += job.area(0); });
    return sum;
  }

  // Whether the largest slowdown has moved, and with it all ranks.
  bool slower() {
    if (settings_.objective != Objective::kFairness) return false;
    if (std::abs(worst_ / slowdown_ - 1) < 0.2) return false;
    slowdown_ = worst_;
    return true;
  }

  Settings settings_;
  Ledger ledger_;
  Triage triage_;
  Ageing ageing_;
  Standby standby_;
  bool capacity_known_ = false;
  int capacity_ = 0;
  std::size_t stale_ = 0;  // calls since the latest plan
  double slowdown_ = 1;    // the largest one, at the latest plan that moved it

  // Of the plan under way. The verdicts are told once all are known.
  enum class Stage : std::uint8_t { kNone, kTriage, kSave, kRank, kRuns };
  Stage stage_ = Stage::kNone;
  struct Verdict {
    TaskId id;
    std::uint32_t slot;
    bool was_saved, saved;
  };
  std::vector<Verdict> verdicts_;
  std::size_t told_ = 0;       // verdicts
  double worst_ = 1;           // the largest slowdown seen
  std::size_t runs_from_ = 0;  // the node whose turn is next

  TimePoint wake_{};  // asked for

  // Of this call:
  TimePoint now_{};
  Nodes turn_;
  std::vector<std::uint32_t> hopeless_;
};

}  // namespace regroup::elastic
