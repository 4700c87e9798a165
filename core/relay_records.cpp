#include "core/relay_records.hpp"

#include <type_traits>
#include <utility>

#include "core/errors.hpp"

namespace regroup {
namespace {

enum class Call : std::uint8_t {
  kArrival,
  kLaunch,
  kPreempt,
  kRunEnd,
  kRequestEnd,
  kGpuFailed,
  kGpuRepaired,
  kWake,
  kInstant,
  kEnd,
};

// Followed by the GPUs of the group, then by the tasks: the slot of each, and what it is if it was
// not told yet.
struct LaunchFields {
  TimePoint at;
  RunId run;
  RunTimes expected;
  Duration step;
  int steps;
  Layout layout;
  std::uint32_t gpus;
  std::uint32_t tasks;
};

constexpr std::uint32_t kNewTask = std::uint32_t{1} << 31;  // beside the slot

// The rest of a task is its request's.
struct TaskFields {
  TaskId id;
  RequestId request;
  std::int32_t steps_total;
  std::uint8_t stage;
  StageKind kind;
};

// The rest of a run is its launch's, which is found by the slot of its first task: that has no
// other run before this one has ended.
struct RunFields {
  RunId run;
  TimePoint ended;
  RunTimes times;
  Duration expected;
  std::uint32_t first_slot;
  int steps;
  bool setup_needed;
  bool failed;
};

struct InstantFields {
  TimePoint at;
  std::size_t ready_tasks;
  int idle_gpus;
};

}  // namespace

void CallBlock::clear() {
  size_ = 0;
  requests.clear();
  classes.clear();
}

void CallBlock::grow(std::size_t count) {
  constexpr std::size_t kLeast = std::size_t{1} << 16;
  room_ = std::max({kLeast, 2 * room_, size_ + count});
  std::unique_ptr<char[]> larger = std::make_unique_for_overwrite<char[]>(room_);
  if (size_ > 0) std::memcpy(larger.get(), bytes_.get(), size_);
  bytes_ = std::move(larger);
}

template <class... Fields>
void CallRecorder::put(const Fields&... fields) {
  static_assert((std::is_trivially_copyable_v<Fields> && ...));
  char* to = block_.add((sizeof(Fields) + ...));
  ((std::memcpy(to, &fields, sizeof fields), to += sizeof fields), ...);
}

void CallRecorder::put_task(const Task& task) {
  if (task.slot >= tasks_told_.size()) tasks_told_.resize(task.slot + 1, TaskId{~std::uint64_t{0}});
  TaskId& told = tasks_told_[task.slot];
  if (told == task.id) return put(task.slot);
  told = task.id;
  put(task.slot | kNewTask,
      TaskFields{task.id, task.request, task.steps_total, task.stage, task.kind});
}

void CallRecorder::arrival(TimePoint at, const Request& request) {
  put(Call::kArrival, at);
  block_.requests.push_back(request);
  for (; classes_told_ < classes_.size(); ++classes_told_)
    block_.classes.push_back(classes_.name({classes_told_}));
}

void CallRecorder::launch(TimePoint at, const Launch& l) {
  const auto gpus = static_cast<std::uint32_t>(l.group.size());
  put(Call::kLaunch, LaunchFields{at, l.run, l.expected, l.step, l.steps, l.layout, gpus,
                                  static_cast<std::uint32_t>(l.tasks.size())});
  std::memcpy(block_.add(gpus * sizeof(GpuId)), l.group.begin(), gpus * sizeof(GpuId));
  for (const Task* task : l.tasks) put_task(*task);
}

void CallRecorder::preempt(TimePoint at, RunId run, std::span<const Task* const> tasks) {
  put(Call::kPreempt, at, run, tasks.front()->slot);
}

void CallRecorder::run_end(const RunRecord& r) {
  put(Call::kRunEnd, RunFields{r.run, r.ended, r.times, r.expected, r.tasks.front()->slot, r.steps,
                               r.setup_needed, r.failed});
}

void CallRecorder::request_end(const RequestOutcome& outcome) {
  put(Call::kRequestEnd, outcome.request->id, outcome);
}

void CallRecorder::gpu_failed(TimePoint at, GpuId gpu) { put(Call::kGpuFailed, at, gpu); }

void CallRecorder::gpu_repaired(TimePoint at, GpuId gpu) { put(Call::kGpuRepaired, at, gpu); }

void CallRecorder::wake(TimePoint at, TimePoint when) { put(Call::kWake, at, when); }

void CallRecorder::instant(TimePoint at, std::size_t ready_tasks, int idle_gpus) {
  put(Call::kInstant, InstantFields{at, ready_tasks, idle_gpus});
}

void CallRecorder::end(TimePoint at) { put(Call::kEnd, at); }

void CallPlayer::play(CallBlock& block) {
  for (const std::string& name : block.classes) classes_.intern(name);
  left_ = block.bytes();
  arrived_ = 0;
  while (!left_.empty()) play_one(block);
}

template <class Field>
Field CallPlayer::get() {
  static_assert(std::is_trivially_copyable_v<Field>);
  Field field;
  std::memcpy(&field, take(sizeof field).data(), sizeof field);
  return field;
}

const Task& CallPlayer::get_task() {
  const auto slot = get<std::uint32_t>();
  if ((slot & kNewTask) == 0) return tasks_.at(slot);
  const std::size_t place = slot & ~kNewTask;
  if (place >= tasks_.size()) tasks_.resize(place + 1);
  const auto f = get<TaskFields>();
  const Request* const request = requests_.find(f.request);
  RG_CHECK(request != nullptr, "a task of request {}, which is not there", f.request.value);
  return tasks_[place] = Task{.id = f.id,
                              .request = f.request,
                              .slot = static_cast<std::uint32_t>(place),
                              .model = request->model,
                              .shape_id = request->shape_id,
                              .request_class = request->request_class,
                              .stage = f.stage,
                              .kind = f.kind,
                              .shape = request->shape,
                              .priority = request->priority,
                              .denoise_steps = request->steps,
                              .steps_total = f.steps_total,
                              .arrival = request->arrival,
                              .deadline = request->deadline};
}

void CallPlayer::arrive(TimePoint at, Request&& arriving) {
  Request& request = requests_.add(arriving.id);
  request = std::move(arriving);
  observer_.on_arrival(at, request);
}

void CallPlayer::launch() {
  const auto f = get<LaunchFields>();
  const std::span<const char> gpus = take(f.gpus * sizeof(GpuId));
  const Task& first = get_task();
  if (first.slot >= runs_.size()) runs_.resize(first.slot + 1);
  Run& run = runs_[first.slot];
  run.launched = f.at;
  run.layout = f.layout;
  run.group.clear();
  for (std::size_t at = 0; at < gpus.size(); at += sizeof(GpuId)) {
    GpuId gpu;
    std::memcpy(&gpu, &gpus[at], sizeof gpu);
    run.group.push_back(gpu);
  }
  run.tasks.assign(1, &first);
  for (std::uint32_t left = f.tasks; left > 1; --left) run.tasks.push_back(&get_task());
  observer_.on_launch(f.at, {.run = f.run,
                             .tasks = run.tasks,
                             .group = run.group,
                             .layout = f.layout,
                             .steps = f.steps,
                             .expected = f.expected,
                             .step = f.step});
}

void CallPlayer::end_run() {
  const auto f = get<RunFields>();
  const Run& run = runs_.at(f.first_slot);
  observer_.on_run_end({.run = f.run,
                        .tasks = run.tasks,
                        .group = run.group,
                        .layout = run.layout,
                        .steps = f.steps,
                        .launched = run.launched,
                        .ended = f.ended,
                        .times = f.times,
                        .expected = f.expected,
                        .setup_needed = f.setup_needed,
                        .failed = f.failed});
}

void CallPlayer::end_request() {
  const auto id = get<RequestId>();
  auto outcome = get<RequestOutcome>();
  outcome.request = &requests_.remove(id);
  observer_.on_request_end(outcome);
}

void CallPlayer::play_one(CallBlock& block) {
  const auto call = get<Call>();
  if (call == Call::kLaunch) return launch();
  if (call == Call::kRunEnd) return end_run();
  if (call == Call::kRequestEnd) return end_request();
  if (call == Call::kInstant) {
    const auto f = get<InstantFields>();
    return observer_.on_instant(f.at, f.ready_tasks, f.idle_gpus);
  }
  const auto at = get<TimePoint>();
  switch (call) {
    case Call::kArrival:
      return arrive(at, std::move(block.requests.at(arrived_++)));
    case Call::kPreempt: {
      const auto run = get<RunId>();
      return observer_.on_preempt(at, run, runs_.at(get<std::uint32_t>()).tasks);
    }
    case Call::kGpuFailed:
      return observer_.on_gpu_failed(at, get<GpuId>());
    case Call::kGpuRepaired:
      return observer_.on_gpu_repaired(at, get<GpuId>());
    case Call::kWake:
      return observer_.on_wake(at, get<TimePoint>());
    case Call::kEnd:
      return observer_.on_end(at);
    case Call::kLaunch:
    case Call::kRunEnd:
    case Call::kRequestEnd:
    case Call::kInstant:
      break;
  }
  RG_CHECK(false, "no such call");
}

}  // namespace regroup
