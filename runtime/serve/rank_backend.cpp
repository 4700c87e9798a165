#include "runtime/serve/rank_backend.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "runtime/serve/virtual_clock.hpp"
#include "runtime/serve/wall_clock.hpp"

namespace regroup::serve {
namespace {

std::unique_ptr<Clock> make_clock(bool virtual_clock) {
  if (virtual_clock) return std::make_unique<VirtualClock>();
  return std::make_unique<WallClock>();
}

}  // namespace

RankBackend::RankBackend(const Catalog& catalog, ServeOptions options)
    : catalog_(catalog),
      virtual_clock_(options.virtual_clock),
      report_(options.report),
      clock_(make_clock(virtual_clock_)),
      ranks_(static_cast<int>(catalog.gpus().size()), *clock_, options) {}

void RankBackend::launch(const Launch& launch) {
  auto run = std::make_unique<RankRun>();
  run->id = launch.run;
  run->slot = launch.slot;
  run->group = launch.group;
  run->layout = launch.layout;
  run->steps = launch.steps;
  run->launched = now_;
  run->dispatch = launch.expected.dispatch;
  run->setup = launch.expected.setup;
  run->migrate = launch.expected.migrate;
  run->step = launch.step;
  std::vector<TaskState> states;
  for (const Task* task : launch.tasks) {
    run->tasks.push_back(describe(*task));
    states.push_back({.needed = !task->group.empty(), .holders = task->group});
  }
  ranks_.launch(std::move(run), states);
}

RunTask RankBackend::describe(const Task& task) const {
  const StageGraph& stages = catalog_.stages(task.model);
  RunTask item{.request = task.request,
               .model = task.model,
               .shape = task.shape,
               .kind = task.kind,
               .stage = task.stage,
               .steps_done = task.steps_done,
               .steps_total = task.steps_total};
  item.last_stage = task.stage == stages.sink();
  item.guided = catalog_.why_not(task.shape_id, stages.denoise(), {.cfg = 2}).empty();
  return item;
}

void RankBackend::preempt(RunId run, const Group&) {
  if (RankRun* const found = ranks_.find(run)) found->preempt = true;
}

std::optional<Event> RankBackend::next_event(TimePoint until) {
  while (true) {
    take_in_news();
    if (!events_.empty() && events_.front().at <= until) {
      const Event event = events_.front();
      events_.pop_front();
      now_ = earliest_ = event.at;
      return event;
    }
    if (until != kNever && (!events_.empty() || clock_->now() >= until)) break;
    if (until == kNever && ranks_.idle()) return std::nullopt;
    if (!ranks_.wait(until)) return std::nullopt;
  }
  now_ = until;
  // On the machine's clock what happened until now may be heard of later. It is then of a later
  // instant: this one is over, and decided upon.
  earliest_ = virtual_clock_ ? until : until + Duration(1);
  return std::nullopt;
}

void RankBackend::take_in_news() {
  const RankNews news = ranks_.news();
  if (report_)
    for (const std::string& line : news.said) report_(line);
  for (const auto& run : news.ended) end_run(*run, Event::Kind::kRunEnded);
  if (ranks_.recovering() && ranks_.all_left()) recover();
}

// Every member of every run has left, most of them because all operations fail until the world is
// armed again.
void RankBackend::recover() {
  while (ranks_.sending()) clock_->sleep_until(clock_->now() + std::chrono::milliseconds(1));
  const std::vector<std::unique_ptr<RankRun>> failed = ranks_.rearm();
  // All at one instant, so that nothing is placed on a dead rank in between.
  TimePoint at{};
  for (const auto& run : failed) at = std::max(at, run->ended);
  for (const auto& run : failed) {
    run->ended = at;
    run->steps_done = kept_steps(*run);
    end_run(*run, Event::Kind::kRunFailed);
  }
  for (const int rank : ranks_.dead())
    add_event(
        {.kind = Event::Kind::kGpuFailed, .at = at, .gpu = {static_cast<std::uint32_t>(rank)}});
}

// The most steps of all its tasks that a living member or the snapshot has.
int RankBackend::kept_steps(const RankRun& run) {
  const auto in_snapshot = [&](const RunTask& task, int steps) {
    const State* state = ranks_.snapshots().look_up(task.request);
    return state != nullptr && state->fits(task.stage, task.steps_done + steps);
  };
  for (int steps = run.steps; steps > 0; --steps) {
    const bool kept = std::ranges::all_of(run.tasks, [&](const RunTask& task) {
      return in_snapshot(task, steps) || std::ranges::any_of(run.group, [&](GpuId gpu) {
               return ranks_.has(static_cast<int>(gpu.value), task, steps);
             });
    });
    if (kept) return steps;
  }
  return 0;
}

// Events are returned in the order they are added: none may be earlier than the one before.
void RankBackend::add_event(Event event) {
  event.at = std::max(event.at, events_.empty() ? earliest_ : events_.back().at);
  events_.push_back(event);
}

// The parts of a run's time add up to all of it: what no rank has measured is dispatch.
void RankBackend::end_run(const RankRun& run, Event::Kind kind) {
  add_event({.kind = kind,
             .at = run.ended,
             .run = run.id,
             .slot = run.slot,
             .steps = run.steps_done,
             .times = run.times});
  Event& event = events_.back();
  event.times.dispatch = {};
  event.times.dispatch = event.at - run.launched - event.times.total();
  if (event.times.dispatch >= Duration{}) return;
  event.times = {};  // it failed before they were measured
  event.times.dispatch = event.at - run.launched;
}

}  // namespace regroup::serve
