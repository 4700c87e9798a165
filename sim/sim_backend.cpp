#include "sim/sim_backend.hpp"

#include <algorithm>
#include <utility>

#include "core/errors.hpp"

namespace regroup::sim {
namespace {

// Those of the launch, and those where its states lie.
std::vector<GpuId> all_gpus(const Launch& launch) {
  std::vector<GpuId> gpus(launch.group.begin(), launch.group.end());
  for (const Task* task : launch.tasks)
    for (const GpuId gpu : task->group)
      if (std::ranges::find(gpus, gpu) == gpus.end()) gpus.push_back(gpu);
  return gpus;
}

}  // namespace

SimBackend::SimBackend(const Catalog& catalog, SimOptions options)
    : options_(std::move(options)), on_gpu_(catalog.gpus().size(), Event::kNoSlot) {
  const Semantics semantics = catalog.semantics();
  if (semantics.sources_take_part) turns_.emplace(on_gpu_.size());
  queue_ahead_ = semantics.queue_ahead;
  free_from_.resize(on_gpu_.size());
  if (!(options_.jitter.spread >= 0 && options_.jitter.spread <= 0.3))
    fail<ConfigError>("jitter {}: expected a number from 0 to 0.3", options_.jitter.spread);
  for (const Failure& failure : options_.failures) {
    if (failure.gpu.value >= on_gpu_.size())
      fail<ConfigError>("failure of GPU {}: the cluster has GPUs 0 to {}", failure.gpu.value,
                        on_gpu_.size() - 1);
    queue_.push(Event::Kind::kGpuFailed, {.at = failure.at, .subject = failure.gpu.value});
    if (failure.repaired != kNever)
      queue_.push(Event::Kind::kGpuRepaired,
                  {.at = failure.repaired, .subject = failure.gpu.value});
  }
}

void SimBackend::launch(const Launch& launch) {
  const Task& first = *launch.tasks[0];
  const std::uint32_t slot = launch.slot;
  if (slot >= runs_.size()) runs_.resize(slot + 1);
  Run& run = runs_[slot];
  run.id = launch.run;
  run.launched = now_;
  run.dispatch = launch.expected.dispatch;
  run.setup = launch.expected.setup;
  run.migrate = launch.expected.migrate;
  run.first_step = kNever;
  run.step = launch.step;
  run.request = first.request;
  run.stage = first.stage;
  run.first_index = first.steps_done;
  run.steps = launch.steps;
  run.group = launch.group;
  for (const GpuId gpu : launch.group) {
    RG_CHECK(on_gpu_[gpu.value] == Event::kNoSlot, "run {} is launched on busy GPU {}",
             launch.run.value, gpu.value);
    on_gpu_[gpu.value] = slot;
  }
  if (turns_) {
    run.steps_begun = run.steps_done = 0;
    run.migrating.clear();
    if (run.migrate > Duration{}) run.migrating = all_gpus(launch);
    ask_for_turn(slot);
    take_turns();
    return;
  }
  run.first_step = now_ + run.dispatch + run.setup + run.migrate;
  plan_end(slot, run.version, boundary(run, run.steps));
}

std::span<const GpuId> SimBackend::gpus_of(const Run& run) {
  if (!run.migrating.empty()) return run.migrating;
  return {run.group.begin(), run.group.size()};
}

void SimBackend::ask_for_turn(std::uint32_t slot) {
  turns_->ask(slot, gpus_of(runs_[slot]));
  runs_[slot].in_line = true;
}

void SimBackend::take_turns() {
  someone_left_ = false;
  while (const auto slot = turns_->next()) {
    Run& run = runs_[*slot];
    run.in_line = false;
    TimePoint begins = now_ + (run.steps_begun == 0 ? run.dispatch : Duration{});
    for (const GpuId gpu : gpus_of(run)) begins = std::max(begins, free_from_[gpu.value]);
    if (!run.migrating.empty()) {
      plan_piece(*slot, begins + run.migrate);
      continue;
    }
    if (run.steps_begun == 0) begins = run.first_step = begins + run.setup;
    plan_piece(*slot, begins + step_duration(run, run.steps_begun++));
  }
}

// Gives its GPUs on, and gets in line for the next step if it has one.
void SimBackend::leave(std::uint32_t slot) {
  const Run& run = runs_[slot];
  turns_->leave(slot);
  someone_left_ = true;
  if (run.migrating.empty() && run.steps_begun < run.steps) ask_for_turn(slot);
}

std::optional<Event> SimBackend::end_piece(std::uint32_t slot) {
  Run& run = runs_[slot];
  if (!run.migrating.empty()) {
    run.migrating.clear();
    leave(slot);
    return std::nullopt;
  }
  if (++run.steps_done == run.steps) return end(slot, Event::Kind::kRunEnded, run.steps, now_);
  if (run.steps_begun == run.steps_done && !run.in_line) leave(slot);
  return std::nullopt;
}

void SimBackend::preempt(RunId id, const Group& group) {
  const std::uint32_t slot = on_gpu_[group[0].value];
  if (slot == Event::kNoSlot || runs_[slot].id != id) return;
  Run& run = runs_[slot];
  if (turns_) {
    // In line for a step, it does that one.
    run.steps = std::min(run.steps, std::max(1, run.steps_begun + (run.in_line ? 1 : 0)));
    return;
  }
  const auto [steps, at] = next_boundary(run, now_);
  if (steps >= run.steps) return;
  run.steps = steps;
  plan_end(slot, ++run.version, at);
}

std::optional<Event> SimBackend::next_event(TimePoint until) {
  while (true) {
    // All that ends at this instant does so before anybody has a turn.
    if (someone_left_ && (queue_.empty() || queue_.top().at > now_)) take_turns();
    if (queue_.empty() || queue_.top().at > until) break;
    const EventQueue::Entry entry = queue_.top();
    queue_.pop();
    if (entry.kind() == Event::Kind::kRunEnded) {
      const Run& run = runs_[entry.subject];
      if (run.version != entry.version) continue;
      now_ = entry.at;
      if (!turns_) return end(entry.subject, Event::Kind::kRunEnded, run.steps, now_);
      if (entry.only_leaves)
        leave(entry.subject);
      else if (const auto event = end_piece(entry.subject))
        return event;
      continue;
    }
    const GpuId gpu{entry.subject};
    now_ = entry.at;
    if (entry.kind() == Event::Kind::kGpuFailed) return fail_gpu(gpu);
    return Event{.kind = entry.kind(), .at = now_, .gpu = gpu};
  }
  if (until != kNever) now_ = until;
  return std::nullopt;
}

// A run on the GPU fails with it, and is reported first; it keeps the steps that were done.
std::optional<Event> SimBackend::fail_gpu(GpuId gpu) {
  const std::uint32_t slot = on_gpu_[gpu.value];
  if (slot == Event::kNoSlot) return Event{.kind = Event::Kind::kGpuFailed, .at = now_, .gpu = gpu};
  queue_.push(Event::Kind::kGpuFailed, {.at = now_, .subject = gpu.value});
  const Run& run = runs_[slot];
  if (turns_) return end(slot, Event::Kind::kRunFailed, run.steps_done, now_);
  auto [steps, at] = next_boundary(run, now_);
  if (at > now_) --steps;
  return end(slot, Event::Kind::kRunFailed, std::min(steps, run.steps), now_);
}

std::optional<Event> SimBackend::end(std::uint32_t slot, Event::Kind kind, int steps,
                                     TimePoint at) {
  Run& run = runs_[slot];
  for (const GpuId gpu : run.group) on_gpu_[gpu.value] = Event::kNoSlot;
  if (turns_) turns_->leave(slot);
  someone_left_ = turns_.has_value();
  std::optional<Event> result;  // filled in where it lies: it is the loop's
  Event& event = result.emplace();
  event.kind = kind;
  event.at = at;
  event.run = run.id;
  event.slot = slot;
  event.steps = steps;
  if (at < run.first_step) {  // failed while it was being set up
    event.times.dispatch = at - run.launched;
  } else {
    event.times.setup = run.setup;
    event.times.migrate = run.migrate;
    event.times.compute = at - run.first_step;
    // With whatever it waited for its turns.
    event.times.dispatch = run.first_step - run.launched - run.setup - run.migrate;
  }
  ++run.version;  // what is planned for it still is void
  if (!queue_.empty() && queue_.top().kind() == Event::Kind::kRunEnded) {
    event.next_slot = queue_.top().subject;
    fetch(&runs_[event.next_slot], 2 * kCacheLine);
  }
  return result;
}

void SimBackend::plan_end(std::uint32_t slot, std::uint32_t version, TimePoint at) {
  queue_.push(Event::Kind::kRunEnded, {.at = at, .subject = slot, .version = version});
}

void SimBackend::plan_piece(std::uint32_t slot, TimePoint at) {
  const Run& run = runs_[slot];
  plan_end(slot, run.version, at);
  for (const GpuId gpu : gpus_of(run)) free_from_[gpu.value] = at;
  const TimePoint leaves = std::max(now_, at - queue_ahead_);
  if (leaves >= at) return;
  queue_.push(Event::Kind::kRunEnded,
              {.at = leaves, .subject = slot, .version = run.version, .only_leaves = true});
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
