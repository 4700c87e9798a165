#include "core/world.hpp"

#include "core/errors.hpp"

namespace regroup {
namespace {

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
  const LiveRun& run = run_of(task);
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

LiveRequest& World::add_request(Request&& request) {
  const std::uint32_t slot = requests_.take();
  request_live_.resize(requests_.size());
  LiveRequest& live = requests_[slot];
  live = LiveRequest{};
  live.slot = slot;
  live.request = std::move(request);
  live.outcome.request = &live.request;
  request_live_[slot] = true;
  ++live_requests_;
  return live;
}

void World::remove_request(LiveRequest& request) {
  for (std::size_t stage = 0; request.stages_live != 0; ++stage)
    if ((request.stages_live >> stage & 1u) != 0) remove_task(*request.tasks[stage]);
  request_live_[request.slot] = false;
  requests_.give_back(request.slot);
  --live_requests_;
}

void World::add_task(LiveRequest& owner, std::size_t stage, const Group& state, Layout layout) {
  const std::uint32_t slot = tasks_.take();
  LiveTask& task = tasks_[slot];
  const Request& request = owner.request;
  owner.stages_live = static_cast<std::uint16_t>(owner.stages_live | 1u << stage);
  owner.tasks[stage] = &task;
  task.owner = &owner;
  const StageKind kind = catalog_.stages(request.model).stage(stage).kind;
  static_cast<Task&>(task) = {.id = {next_task_id_++},
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
                              .layouts = catalog_.layouts(request.shape_id, stage),
                              .layout = layout,
                              .group = state};
  task.gone = false;
  ++live_tasks_;
  move(task);
  note({.kind = Change::Kind::kTaskReady, .request = request.id, .task = &task});
}

void World::remove_task(LiveTask& task) {
  RG_CHECK(!task.running, "task {} is removed while it runs", task.id.value);
  LiveRequest& owner = *task.owner;
  owner.stages_live = static_cast<std::uint16_t>(owner.stages_live & ~(1u << task.stage));
  if (task.shown_in != nullptr) task.shown_in->erase(&task);
  task.shown_in = nullptr;
  --live_tasks_;
  task.gone = true;
  gone_.push_back(task.slot);
}

const TaskSet& World::up_to_date(const TaskSet& set) const {
  for (LiveTask* const task : moved_) {
    task->moved = false;
    if (task->gone) continue;
    TaskSet* const right = task->running ? &running_ : &ready_;
    if (task->shown_in == right) continue;
    if (task->shown_in != nullptr) task->shown_in->erase(task);
    right->insert(task);
    task->shown_in = right;
  }
  moved_.clear();
  return set;
}

std::vector<LiveRequest*> World::all_requests() {
  std::vector<LiveRequest*> requests;
  for (std::uint32_t slot = 0; slot < requests_.size(); ++slot)
    if (request_live_[slot]) requests.push_back(&requests_[slot]);
  std::ranges::sort(requests, {}, [](const LiveRequest* live) { return live->request.id; });
  return requests;
}

LiveRun& World::add_run(const Launch& launch) {
  LiveRun& run = runs_[launch.slot];
  LiveTask& first = tasks_[launch.tasks[0]->slot];
  run.first = &first;
  run.batch.clear();
  run.steps = launch.steps;
  run.launched = now_;
  run.preempting = false;
  for (const Task* shown : launch.tasks) {
    LiveTask& task = tasks_[shown->slot];
    task.running = true;
    task.preempting = false;
    task.run = launch.run;
    task.run_slot = launch.slot;
    task.group = launch.group;
    task.layout = launch.layout;
    move(task);
    ++running_tasks_;
    if (launch.tasks.size() > 1) run.batch.push_back(&task);
    ++task.owner->running_tasks;
  }
  for (const GpuId gpu : launch.group) {
    gpus_[gpu.value].state = GpuState::kBusy;
    gpus_[gpu.value].run = launch.run;
  }
  if (launch.slot >= run_places_.size()) run_places_.resize(launch.slot + 1);
  run_places_[launch.slot] = {&first, first.owner};
  ++live_runs_;
  return run;
}

void World::fetch_run(std::uint32_t slot) const {
  constexpr std::size_t kTask = 3 * kCacheLine, kOwner = 2 * kCacheLine;
  // A task with a group of eight: its size and its members.
  static_assert(sizeof(TaskRecord) + sizeof(Task) - sizeof(Group) + 9 * sizeof(GpuId) <= kTask);
  static_assert(sizeof(RequestOutcome) + sizeof(LiveRequest::running_tasks) <= kOwner);
  static_assert(sizeof(LiveRun) == kCacheLine);
  if (slot >= run_places_.size()) return;
  fetch(&runs_[slot], sizeof(LiveRun));
  fetch(run_places_[slot].task, kTask);
  fetch(run_places_[slot].owner, kOwner);
}

inline bool World::under_way(RunId run, std::uint32_t slot) const {
  if (slot >= run_places_.size()) return false;
  const Task& first = *runs_[slot].first;
  return first.running && first.run == run;
}

const LiveRun& World::end_run(const Event& event) {
  RG_CHECK(under_way(event.run, event.slot), "the backend ended run {}, which is not under way",
           event.run.value);
  const LiveRun& run = runs_[event.slot];
  const int steps = event.steps;
  RG_CHECK(steps >= 0 && steps <= run.steps, "run {} of {} steps ended with {}", event.run.value,
           run.steps, steps);
  runs_.give_back(event.slot);
  --live_runs_;
  for (Task* const ended : run.tasks()) {
    LiveTask& task = static_cast<LiveTask&>(*ended);
    task.running = false;
    task.preempting = false;
    task.steps_done += steps;
    task.ready_since = now_;
    --task.owner->running_tasks;
    move(task);
    --running_tasks_;
    if (task.steps_left() > 0)
      note({.kind = Change::Kind::kTaskReady, .request = task.request, .task = &task});
  }
  const Group& group = run.first->group;
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
