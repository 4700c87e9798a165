#include "core/control_loop.hpp"

#include <algorithm>

#include "core/errors.hpp"

namespace regroup {

ControlLoop::ControlLoop(LoopParts parts)
    : parts_(std::move(parts)),
      world_(parts_.catalog, parts_.classes),
      checker_(world_, parts_.catalog),
      pinning_(parts_.catalog.semantics().pinned_runs_ahead ? parts_.policy.pinning()
                                                            : Pinning::kNone),
      dispatch_(parts_.catalog.cost().dispatch()),
      freed_(parts_.catalog.gpus().size()) {
  read_next_request();
}

void ControlLoop::run() {
  while (more_to_come()) {
    if (!take_in_events()) break;
    take_in_arrivals();
    take_in_wakes();
    if (!world_.changes().empty()) ask();
    tell([&](Observer& o) {
      o.on_instant(world_.now(), world_.ready_count(), world_.idle().count());
    });
  }
  for (LiveRequest* const live : world_.all_requests())
    end_request(*live, RequestOutcome::End::kUnfinished);
  tell([&](Observer& o) { o.on_end(world_.now()); });
}

// Inline, as all that is called nowhere else: it would not be put into its only caller otherwise,
// since it might have others, and an event takes a twentieth longer.
inline bool ControlLoop::more_to_come() const {
  return next_request_ || world_.live_requests() > 0;
}

inline void ControlLoop::read_next_request() {
  if (!next_request_) next_request_.emplace();
  if (!parts_.requests.next(*next_request_)) next_request_.reset();
}

// Waits for whatever comes first, then takes in all else that happens at that instant. False: there
// is work, but nothing left that could do it.
inline bool ControlLoop::take_in_events() {
  TimePoint until = kNever;
  if (next_request_) until = next_request_->arrival;
  if (!wakes_.empty()) until = std::min(until, *wakes_.begin());
  if (take_in_event(std::max(until, world_.now()))) {
    while (take_in_event(world_.now())) continue;
    return true;
  }
  if (until != kNever) return true;
  RG_CHECK(world_.live_runs() == 0, "the backend has {} runs under way and reports nothing",
           world_.live_runs());
  if (world_.any_gpu_working()) stalled();
  return false;
}

inline bool ControlLoop::take_in_event(TimePoint until) {
  const auto event = parts_.backend.next_event(until);
  if (event) {
    world_.set_now(event->at);
    world_.fetch_run(event->next_slot);
    take_in(*event);
  } else if (until != kNever) {
    world_.set_now(until);
  }
  return event.has_value();
}

inline void ControlLoop::take_in(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kRunEnded:
    case Event::Kind::kRunFailed:
      end_run(event);
      break;
    case Event::Kind::kGpuFailed:
      tell([&](Observer& o) { o.on_gpu_failed(event.at, event.gpu); });
      world_.fail_gpu(event.gpu);
      break;
    case Event::Kind::kGpuRepaired:
      tell([&](Observer& o) { o.on_gpu_repaired(event.at, event.gpu); });
      world_.repair_gpu(event.gpu);
      break;
  }
}

inline void ControlLoop::take_in_arrivals() {
  while (next_request_ && next_request_->arrival <= world_.now()) {
    LiveRequest& live = world_.add_request(std::move(*next_request_));
    const Request& request = live.request;
    tell([&](Observer& o) { o.on_arrival(world_.now(), request); });
    const StageGraph& graph = parts_.catalog.stages(request.model);
    for (const std::uint8_t stage : graph.topological())
      if (graph.before(stage).empty()) world_.add_task(live, stage, {}, {});
    read_next_request();
  }
}

inline void ControlLoop::take_in_wakes() {
  bool woke = false;
  for (; !wakes_.empty() && *wakes_.begin() <= world_.now(); wakes_.erase(wakes_.begin()))
    woke = true;
  if (woke) world_.note({.kind = Change::Kind::kWoke});
}

inline void ControlLoop::end_run(const Event& event) {
  const LiveRun& ended = world_.end_run(event);
  const Task& first = *ended.first;
  if (pinning_ != Pinning::kNone) {
    const bool request_ended =
        first.steps_left() == 0 && first.stage == parts_.catalog.stages(first.model).sink();
    for (const GpuId gpu : first.group) freed_[gpu.value] = {world_.now(), request_ended};
  }

  account(ended, event);
  const RunRecord record{.run = event.run,
                         .tasks = ended.tasks(),
                         .group = first.group,
                         .layout = first.layout,
                         .steps = event.steps,
                         .launched = ended.launched,
                         .ended = event.at,
                         .times = event.times,
                         .expected = ended.first_step - ended.launched + event.steps * ended.step,
                         .setup_needed = ended.setup_needed,
                         .failed = event.kind == Event::Kind::kRunFailed};
  tell([&](Observer& o) { o.on_run_end(record); });
  for (Task* const task : ended.tasks())
    if (task->steps_left() == 0) end_stage(static_cast<LiveTask&>(*task));
}

// What the run adds to the outcomes of its requests. A batch shares GPU time evenly.
inline void ControlLoop::account(const LiveRun& run, const Event& event) {
  const Duration took = event.at - run.launched;
  const double share = to_seconds(took) * static_cast<double>(run.first->group.size()) /
                       static_cast<double>(run.tasks().size());
  for (const Task* task : run.tasks()) {
    RequestOutcome& outcome = World::owner(*task).outcome;
    outcome.busy += took;
    outcome.gpu_seconds += share;
    if (run.preempting && event.steps < run.steps) ++outcome.preemptions;
    switch (task->kind) {
      case StageKind::kEncode:
        outcome.encode += took;
        break;
      case StageKind::kDenoise:
        outcome.denoise += took;
        break;
      case StageKind::kDecode:
        outcome.decode += took;
        break;
      case StageKind::kOther:
        outcome.other += took;
        break;
    }
  }
}

// A stage is done: the stages that waited for it alone become ready where its result lies.
void ControlLoop::end_stage(LiveTask& task) {
  world_.note({.kind = Change::Kind::kTaskDone, .request = task.request, .task = &task});
  world_.remove_task(task);
  LiveRequest& live = *task.owner;
  live.stages_done = static_cast<std::uint16_t>(live.stages_done | 1u << task.stage);
  const StageGraph& graph = parts_.catalog.stages(task.model);
  if (task.stage == graph.sink()) return end_request(live, RequestOutcome::End::kFinished);
  for (const std::uint8_t next : graph.after(task.stage)) {
    const bool all_done = std::ranges::all_of(graph.before(next), [&](std::uint8_t before) {
      return (live.stages_done >> before & 1u) != 0;
    });
    if (all_done) world_.add_task(live, next, task.group, task.layout);
  }
}

void ControlLoop::end_request(LiveRequest& live, RequestOutcome::End end) {
  live.outcome.end = end;
  live.outcome.ended = world_.now();
  world_.note({.kind = Change::Kind::kRequestDone, .request = live.request.id});
  tell([&](Observer& o) { o.on_request_end(live.outcome); });
  world_.remove_request(live);
}

inline void ControlLoop::ask() {
  checker_.begin();
  parts_.policy.decide(world_, checker_);
  checker_.finish(parts_.policy);
  world_.clear_changes();  // what follows is news for the next call
  for (const Decision& decision : checker_.decisions()) apply(decision);
  // Waking up again and again with work at hand and nothing under way is a stall too.
  const bool idle = !next_request_ && world_.live_runs() == 0 && world_.ready_count() > 0;
  if (idle && world_.any_gpu_working() && ++idle_wakes_ >= kMaxIdleWakes) stalled();
}

inline void ControlLoop::apply(const Decision& decision) {
  const TimePoint now = world_.now();
  switch (decision.kind) {
    case Decision::Kind::kPlace:
      place(decision);
      break;
    case Decision::Kind::kPreempt: {
      const Task& task = *decision.task;
      if (task.preempting) break;
      LiveRun& run = world_.run_of(task);
      run.preempting = true;
      for (Task* const told : run.tasks()) told->preempting = true;
      tell([&](Observer& o) { o.on_preempt(now, task.run, run.tasks()); });
      parts_.backend.preempt(task.run, task.group);
      break;
    }
    case Decision::Kind::kReject:
      end_request(World::owner(*decision.task), RequestOutcome::End::kRejected);
      break;
    case Decision::Kind::kWakeAt:
      tell([&](Observer& o) { o.on_wake(now, decision.when); });
      wakes_.insert(decision.when);
      break;
  }
}

// Whether the launch was queued behind work that has ended just now.
inline bool ControlLoop::runs_ahead(const Launch& launch) const {
  if (pinning_ == Pinning::kNone) return false;
  const bool begins = launch.tasks[0]->group.empty();
  return std::ranges::any_of(launch.group, [&](GpuId gpu) {
    const Freed& freed = freed_[gpu.value];
    if (freed.at != world_.now()) return false;
    // Only a request that ends is news that the next one has to wait for.
    return !begins || !freed.request_ended || pinning_ == Pinning::kBeyondRequest;
  });
}

inline void ControlLoop::place(const Decision& decision) {
  const std::span<const Task* const> tasks = checker_.tasks(decision);
  Launch launch{.run = {next_run_++},
                .slot = world_.take_run_slot(),
                .tasks = tasks,
                .group = decision.group,
                .layout = decision.layout,
                .steps = decision.steps};
  // What it is expected to take, by the cost model.
  const CostModel& cost = world_.cost();
  RunTimes& expected = launch.expected;
  if (!runs_ahead(launch)) expected.dispatch = dispatch_;
  expected.setup = parts_.catalog.form(launch.group);
  for (const Task* task : tasks) expected.migrate += note_launch(*task, launch);
  launch.step = cost.predict(*tasks[0], launch.layout, 1, static_cast<int>(tasks.size()));
  expected.compute = launch.steps * launch.step;

  tell([&](Observer& o) { o.on_launch(world_.now(), launch); });
  parts_.backend.launch(launch);
  LiveRun& run = world_.add_run(launch);
  run.first_step = world_.now() + expected.total() - expected.compute;
  run.step = launch.step;
  run.setup_needed = expected.setup > Duration::zero();
  idle_wakes_ = 0;
}

inline Duration ControlLoop::note_launch(const Task& task, const Launch& launch) {
  RequestOutcome& outcome = World::owner(task).outcome;
  outcome.started = std::min(outcome.started, world_.now());
  ++outcome.runs;
  const bool elsewhere = task.group != launch.group;
  if (task.kind == StageKind::kDenoise) {
    const int degree = launch.layout.size();
    const bool denoised_before = outcome.widest > 0;
    outcome.group_changes += denoised_before && elsewhere;
    outcome.narrowest = denoised_before ? std::min(outcome.narrowest, degree) : degree;
    outcome.widest = std::max(outcome.widest, degree);
  }
  if (!elsewhere) return {};
  const Migration migration = parts_.catalog.migration(task, launch.group);
  outcome.migrations += migration.bytes > 0 ? 1 : 0;
  outcome.migrated_bytes += migration.bytes;
  return pinning_ == Pinning::kNone ? migration.time : Duration{};
}

void ControlLoop::stalled() const {
  const std::size_t waiting = world_.ready().size();
  const Task& first = **world_.ready().begin();
  const std::string asked = idle_wakes_ < kMaxIdleWakes
                                ? ""
                                : fmt::format(" and asked {} times to be woken", idle_wakes_);
  fail<PolicyError>(
      "nothing can happen any more at t={:.9f} s: {} task{} wait{}, policy '{}' placed none of "
      "them{} (the first is stage '{}' of request '{}')",
      to_seconds(world_.now()), waiting, waiting == 1 ? "" : "s", waiting == 1 ? "s" : "",
      parts_.policy.name(), asked, parts_.catalog.stages(first.model).stage(first.stage).name,
      World::owner(first).request.label);
}

}  // namespace regroup
