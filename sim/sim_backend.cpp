#include "sim/sim_backend.hpp"

#include <utility>

#include "core/errors.hpp"

namespace regroup::sim {
namespace {

constexpr RunId kNoRun{~std::uint64_t{0}};

}  // namespace

SimBackend::SimBackend(const Catalog& catalog, SimOptions options)
    : catalog_(catalog), options_(std::move(options)), on_gpu_(catalog.gpus().size(), kNoRun) {
  if (!(options_.jitter.spread >= 0 && options_.jitter.spread <= 0.3))
    fail<ConfigError>("jitter {}: expected a number from 0 to 0.3", options_.jitter.spread);
  for (const Failure& failure : options_.failures) {
    if (failure.gpu.value >= on_gpu_.size())
      fail<ConfigError>("failure of GPU {}: the cluster has GPUs 0 to {}", failure.gpu.value,
                        on_gpu_.size() - 1);
    queue_.push({.at = failure.at, .kind = Event::Kind::kGpuFailed, .subject = failure.gpu.value});
    if (failure.repaired != kNever)
      queue_.push({.at = failure.repaired,
                   .kind = Event::Kind::kGpuRepaired,
                   .subject = failure.gpu.value});
  }
}

void SimBackend::launch(const Launch& launch) {
  const CostModel& cost = catalog_.cost();
  const Task& first = *launch.tasks[0];
  Run run;
  run.launched = now_;
  run.times.dispatch = cost.dispatch();
  run.times.setup = cost.setup(launch.group);
  for (const Task* task : launch.tasks) run.times.migrate += cost.migrate(*task, launch.group);
  run.first_step = now_ + run.times.total();
  run.step = cost.predict(first, launch.layout, 1, static_cast<int>(launch.tasks.size()));
  run.request = first.request;
  run.stage = first.stage;
  run.first_index = first.steps_done;
  run.steps = launch.steps;
  run.group = launch.group;
  for (const GpuId gpu : launch.group) {
    RG_CHECK(on_gpu_[gpu.value] == kNoRun, "run {} is launched on busy GPU {}", launch.run.value,
             gpu.value);
    on_gpu_[gpu.value] = launch.run;
  }
  plan_end(launch.run, run, boundary(run, run.steps));
  runs_.emplace(launch.run.value, run);
}

void SimBackend::preempt(RunId id) {
  const auto found = runs_.find(id.value);
  if (found == runs_.end()) return;
  Run& run = found->second;
  const auto [steps, at] = next_boundary(run, now_);
  if (steps >= run.steps) return;
  run.steps = steps;
  ++run.version;
  plan_end(id, run, at);
}

std::optional<Event> SimBackend::next_event(TimePoint until) {
  while (!queue_.empty() && queue_.top().at <= until) {
    const EventQueue::Entry entry = queue_.top();
    queue_.pop();
    if (entry.kind == Event::Kind::kRunEnded) {
      const auto found = runs_.find(entry.subject);
      if (found == runs_.end() || found->second.version != entry.version) continue;
      now_ = entry.at;
      Run& run = found->second;
      return end({entry.subject}, run, Event::Kind::kRunEnded, run.steps, now_);
    }
    const GpuId gpu{static_cast<std::uint32_t>(entry.subject)};
    now_ = entry.at;
    if (entry.kind == Event::Kind::kGpuFailed) return fail_gpu(gpu);
    return Event{.kind = entry.kind, .at = now_, .gpu = gpu};
  }
  if (until != kNever) now_ = until;
  return std::nullopt;
}

// A run on the GPU fails with it, and is reported first; it keeps the steps that were done.
Event SimBackend::fail_gpu(GpuId gpu) {
  const RunId id = on_gpu_[gpu.value];
  if (id == kNoRun) return {.kind = Event::Kind::kGpuFailed, .at = now_, .gpu = gpu};
  queue_.push({.at = now_, .kind = Event::Kind::kGpuFailed, .subject = gpu.value});
  Run& run = runs_.at(id.value);
  auto [steps, at] = next_boundary(run, now_);
  if (at > now_) --steps;
  return end(id, run, Event::Kind::kRunFailed, std::min(steps, run.steps), now_);
}

Event SimBackend::end(RunId id, Run& run, Event::Kind kind, int steps, TimePoint at) {
  for (const GpuId gpu : run.group) on_gpu_[gpu.value] = kNoRun;
  Event event{.kind = kind, .at = at, .run = id, .steps = steps, .times = run.times};
  event.times.compute = at - run.first_step;
  if (at < run.first_step) {  // failed while it was being set up
    event.times = {};
    event.times.dispatch = at - run.launched;
  }
  runs_.erase(id.value);
  return event;
}

void SimBackend::plan_end(RunId id, const Run& run, TimePoint at) {
  queue_.push(
      {.at = at, .kind = Event::Kind::kRunEnded, .subject = id.value, .version = run.version});
}

Duration SimBackend::step_duration(const Run& run, int index) const {
  return options_.jitter.step(run.step, run.request, run.stage, run.first_index + index);
}

TimePoint SimBackend::boundary(const Run& run, int n) const {
  if (options_.jitter.spread == 0) return run.first_step + n * run.step;
  TimePoint t = run.first_step;
  for (int i = 0; i < n; ++i) t += step_duration(run, i);
  return t;
}

std::pair<int, TimePoint> SimBackend::next_boundary(const Run& run, TimePoint t) const {
  if (options_.jitter.spread == 0) {
    const std::int64_t step = std::max<std::int64_t>(run.step.count(), 1);
    const std::int64_t behind = std::max<std::int64_t>((t - run.first_step).count(), 1);
    const auto n = static_cast<int>(std::min<std::int64_t>((behind + step - 1) / step, run.steps));
    return {n, boundary(run, n)};
  }
  int n = 1;
  TimePoint at = run.first_step + step_duration(run, 0);
  for (; at < t && n < run.steps; ++n) at += step_duration(run, n);
  return {n, at};
}

}  // namespace regroup::sim
