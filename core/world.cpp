#include "core/world.hpp"

#include "core/errors.hpp"

namespace regroup {
namespace {

constexpr TaskId kGone{~std::uint64_t{0}};

std::vector<int> sizes(std::span<const Node> nodes) {
  std::vector<int> counts;
  for (const Node& node : nodes) counts.push_back(node.count);
  return counts;
}

}  // namespace

World::World(const Catalog& catalog, const NameTable<ClassId>& classes)
    : catalog_(catalog),
      cost_(catalog.cost()),
      classes_(classes),
      gpus_(catalog.gpus().begin(), catalog.gpus().end()),
      idle_(sizes(catalog.nodes())) {
  for (const Gpu& gpu : gpus_) idle_.give(gpu.id);
}

void World::clear_changes() {
  changes_.clear();
  for (const std::uint32_t slot : gone_) tasks_.give_back(slot);
  gone_.clear();
}

Progress World::progress(const Task& task) const {
  const LiveRun& run = *runs_.find(task.run);
  const TimePoint run_end = run.first_step + run.steps * run.step;
  // The boundary at or after now, but not before the first step is done.
  const std::int64_t behind = (now_ - run.first_step).count();
  const std::int64_t step = std::max<std::int64_t>(run.step.count(), 1);
  const auto boundary = static_cast<int>(
      std::clamp<std::int64_t>(behind <= 0 ? 1 : (behind + step - 1) / step, 1, run.steps));
  const auto done =
      static_cast<int>(std::clamp<std::int64_t>(behind <= 0 ? 0 : behind / step, 0, run.steps));
  return {.steps_done = task.steps_done + done,
          .step_end = std::max(now_, run.first_step + boundary * run.step),
          .run_end = std::max(now_, run_end)};
}

const Task* World::live(const Task& claimed) const {
  if (claimed.slot >= tasks_.size()) return nullptr;
  const Task& task = tasks_[claimed.slot].task;
  return task.id == claimed.id ? &task : nullptr;
}

std::uint32_t World::add_request(Request&& request) {
  const std::uint32_t slot = requests_.take();
  request_live_.resize(requests_.size());
  LiveRequest& live = requests_[slot];
  live = LiveRequest{};
  live.request = std::move(request);
  live.outcome.request = &live.request;
  request_live_[slot] = true;
  ++live_requests_;
  return slot;
}

void World::remove_request(std::uint32_t slot) {
  const LiveRequest& live = requests_[slot];
  for (std::size_t stage = 0; live.stages_live != 0; ++stage)
    if ((live.stages_live >> stage & 1u) != 0) remove_task(live.task_slots[stage]);
  request_live_[slot] = false;
  requests_.give_back(slot);
  --live_requests_;
}

Task& World::add_task(std::uint32_t request_slot, std::size_t stage, const Group& state,
                      Layout layout) {
  const std::uint32_t slot = tasks_.take();
  LiveRequest& owner = requests_[request_slot];
  const Request& request = owner.request;
  owner.stages_live = static_cast<std::uint16_t>(owner.stages_live | 1u << stage);
  owner.task_slots[stage] = slot;
  TaskRecord& record = tasks_[slot];
  record.request_slot = request_slot;
  const StageKind kind = catalog_.stages(request.model).stage(stage).kind;
  record.task = Task{.id = {next_task_id_++},
                     .request = request.id,
                     .slot = slot,
                     .model = request.model,
                     .shape_id = request.shape_id,
                     .request_class = request.request_class,
                     .stage = static_cast<std::uint8_t>(stage),
                     .kind = kind,
                     .shape = request.shape,
                     .priority = request.priority,
                     .denoise_steps = request.steps,
                     .steps_total = kind == StageKind::kDenoise ? request.steps : 1,
                     .arrival = request.arrival,
                     .deadline = request.deadline,
                     .ready_since = now_,
                     .group = state,
                     .layout = layout};
  ++live_tasks_;
  move(slot);
  note({.kind = Change::Kind::kTaskReady,
        .request = request.id,
        .task = record.task.id,
        .slot = slot});
  return record.task;
}

void World::remove_task(std::uint32_t slot) {
  Task& task = tasks_[slot].task;
  RG_CHECK(!task.running, "task {} is removed while it runs", task.id.value);
  LiveRequest& owner = requests_[tasks_[slot].request_slot];
  owner.stages_live = static_cast<std::uint16_t>(owner.stages_live & ~(1u << task.stage));
  TaskRecord& record = tasks_[slot];
  if (record.shown_in != nullptr) record.shown_in->erase(&task);
  record.shown_in = nullptr;
  --live_tasks_;
  task.id = kGone;  // a policy's stale pointer to this slot must not match
  gone_.push_back(slot);
}

const TaskSet& World::up_to_date(const TaskSet& set) const {
  for (const std::uint32_t slot : moved_) {
    TaskRecord& record = tasks_[slot];
    record.moved = false;
    if (record.task.id == kGone) continue;
    TaskSet* const right = record.task.running ? &running_ : &ready_;
    if (record.shown_in == right) continue;
    if (record.shown_in != nullptr) record.shown_in->erase(&record.task);
    right->insert(&record.task);
    record.shown_in = right;
  }
  moved_.clear();
  return set;
}

std::vector<std::uint32_t> World::all_requests() const {
  std::vector<std::uint32_t> slots;
  for (std::uint32_t slot = 0; slot < requests_.size(); ++slot)
    if (request_live_[slot]) slots.push_back(slot);
  std::ranges::sort(slots, {}, [&](std::uint32_t slot) { return requests_[slot].request.id; });
  return slots;
}

LiveRun& World::add_run(RunId id, const Launch& launch) {
  LiveRun& run = runs_.add(id);
  run.tasks.clear();
  run.layout = launch.layout;
  run.steps = launch.steps;
  run.launched = now_;
  run.preempting = false;
  for (const Task* shown : launch.tasks) {
    Task& task = tasks_[shown->slot].task;
    task.running = true;
    task.preempting = false;
    task.run = id;
    task.group = launch.group;
    task.layout = launch.layout;
    move(task.slot);
    ++running_tasks_;
    run.tasks.push_back(task.slot);
    ++requests_[owner(task)].running_tasks;
  }
  for (const GpuId gpu : launch.group) {
    gpus_[gpu.value].state = GpuState::kBusy;
    gpus_[gpu.value].run = id;
  }
  return run;
}

const LiveRun& World::end_run(RunId id, int steps) {
  const LiveRun* const found = runs_.remove_if_there(id);
  RG_CHECK(found != nullptr, "the backend ended run {}, which is not under way", id.value);
  const LiveRun& run = *found;
  RG_CHECK(steps >= 0 && steps <= run.steps, "run {} of {} steps ended with {}", id.value,
           run.steps, steps);
  for (const std::uint32_t slot : run.tasks) {
    Task& task = tasks_[slot].task;
    task.running = false;
    task.preempting = false;
    task.steps_done += steps;
    task.ready_since = now_;
    --requests_[owner(task)].running_tasks;
    move(slot);
    --running_tasks_;
    if (task.steps_left() > 0)
      note({.kind = Change::Kind::kTaskReady,
            .request = task.request,
            .task = task.id,
            .slot = slot});
  }
  const Group& group = tasks_[run.tasks[0]].task.group;
  if (failed_gpus_ == 0) {
    for (const GpuId gpu : group) gpus_[gpu.value].state = GpuState::kIdle;
    idle_.give(group);
    return run;
  }
  for (const GpuId gpu : group) {
    if (gpus_[gpu.value].state != GpuState::kBusy) continue;
    gpus_[gpu.value].state = GpuState::kIdle;
    idle_.give(gpu);
  }
  return run;
}

void World::fail_gpu(GpuId gpu) {
  Gpu& state = gpus_[gpu.value];
  if (state.state == GpuState::kFailed) return;
  if (state.state == GpuState::kIdle) idle_.take(gpu);
  state.state = GpuState::kFailed;
  ++failed_gpus_;
  note({.kind = Change::Kind::kGpuFailed, .gpu = gpu});
}

void World::repair_gpu(GpuId gpu) {
  Gpu& state = gpus_[gpu.value];
  if (state.state != GpuState::kFailed) return;
  state.state = GpuState::kIdle;
  idle_.give(gpu);
  --failed_gpus_;
  note({.kind = Change::Kind::kGpuRepaired, .gpu = gpu});
}

}  // namespace regroup
