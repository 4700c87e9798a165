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

// What is not as the player would guess, and follows in this order: see KnownCalls.
namespace says {
enum InLaunch : std::uint8_t {
  kInstant = 1,
  kRun = 2,
  kTimes = 4,
  kGroup = 8,
  kTasks = 16,  // it is a batch, or its task was not told yet
};
enum InRunEnd : std::uint8_t {
  kOther = 1,  // all of it: EndFields
  kSetupNeeded = 2,
  kFailed = 4,
};
enum InInstant : std::uint8_t {
  kAt = 1,
  kCounts = 2,
};
}  // namespace says

constexpr std::uint32_t kNewTask = std::uint32_t{1} << 31;  // beside the slot

// The rest of a task is its request's.
struct TaskFields {
  TaskId id;
  RequestId request;
  std::int32_t steps_total;
  std::uint8_t stage;
  StageKind kind;
};

// Of a run that did not do what its launch expected.
struct EndFields {
  TimePoint ended;
  RunTimes times;
  Duration expected;
  int steps;
  friend bool operator==(const EndFields&, const EndFields&) = default;
};
EndFields expected_end(const KnownCalls::Run& run) {
  const KnownCalls::Times& times = run.times;
  const Duration total = times.expected.total();
  return {run.launched + total, times.expected, total, times.steps};
}

struct Counts {
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
  constexpr std::size_t kLeast = std::size_t{3} << 13;
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

void CallRecorder::put_group(const Group& group) {
  const auto size = static_cast<std::uint32_t>(group.size());
  put(size);
  std::memcpy(block_.add(size * sizeof(GpuId)), group.begin(), size * sizeof(GpuId));
}

void CallRecorder::launch(TimePoint at, const Launch& l) {
  const Task& first = *l.tasks.front();
  KnownCalls::Run& known = known_.run(first.slot);
  const KnownCalls::Times times{l.expected, l.step, l.steps, l.layout};
  unsigned also = 0;
  if (at != known_.at) also |= says::kInstant;
  if (l.run != known_.next_run) also |= says::kRun;
  if (times != known.times) also |= says::kTimes;
  if (l.group != known.group) also |= says::kGroup;
  if (l.tasks.size() > 1 || !is_told(first)) also |= says::kTasks;
  put(Call::kLaunch, static_cast<std::uint8_t>(also), first.slot);
  if (also & says::kInstant) put(at);
  if (also & says::kRun) put(l.run);
  if (also & says::kTimes) put(known.times = times);
  if (also & says::kGroup) put_group(known.group = l.group);
  if (also & says::kTasks) {
    put(static_cast<std::uint32_t>(l.tasks.size()));
    for (const Task* task : l.tasks) put_task(*task);
  }
  known.run = l.run;
  known.launched = known_.at = at;
  known_.next_run = {l.run.value + 1};
}

void CallRecorder::preempt(TimePoint at, RunId run, std::span<const Task* const> tasks) {
  put(Call::kPreempt, at, run, tasks.front()->slot);
}

void CallRecorder::run_end(const RunRecord& r) {
  const std::uint32_t slot = r.tasks.front()->slot;
  const KnownCalls::Run& known = known_.run(slot);
  RG_CHECK(known.run == r.run, "run {} ends where run {} was launched", r.run.value,
           known.run.value);
  const EndFields end{r.ended, r.times, r.expected, r.steps};
  unsigned also = 0;
  if (end != expected_end(known)) also |= says::kOther;
  if (r.setup_needed) also |= says::kSetupNeeded;
  if (r.failed) also |= says::kFailed;
  put(Call::kRunEnd, static_cast<std::uint8_t>(also), slot);
  if (also & says::kOther) put(end);
  known_.at = r.ended;
}

void CallRecorder::request_end(const RequestOutcome& outcome) {
  put(Call::kRequestEnd, outcome.request->id, outcome);
}

void CallRecorder::gpu_failed(TimePoint at, GpuId gpu) { put(Call::kGpuFailed, at, gpu); }

void CallRecorder::gpu_repaired(TimePoint at, GpuId gpu) { put(Call::kGpuRepaired, at, gpu); }

void CallRecorder::wake(TimePoint at, TimePoint when) { put(Call::kWake, at, when); }

void CallRecorder::instant(TimePoint at, std::size_t ready_tasks, int idle_gpus) {
  unsigned also = 0;
  if (at != known_.at) also |= says::kAt;
  if (ready_tasks != known_.ready_tasks || idle_gpus != known_.idle_gpus) also |= says::kCounts;
  put(Call::kInstant, static_cast<std::uint8_t>(also));
  if (also & says::kAt) put(known_.at = at);
  if (also & says::kCounts)
    put(Counts{known_.ready_tasks = ready_tasks, known_.idle_gpus = idle_gpus});
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

Group CallPlayer::get_group() {
  Group group;
  for (auto left = get<std::uint32_t>(); left > 0; --left) group.push_back(get<GpuId>());
  return group;
}

void CallPlayer::launch() {
  const auto also = get<std::uint8_t>();
  const auto slot = get<std::uint32_t>();
  KnownCalls::Run& run = known_.run(slot);
  if (also & says::kInstant) known_.at = get<TimePoint>();
  run.run = also & says::kRun ? get<RunId>() : known_.next_run;
  if (also & says::kTimes) run.times = get<KnownCalls::Times>();
  if (also & says::kGroup) run.group = get_group();
  run_tasks_.resize(known_.runs.size());
  std::vector<const Task*>& tasks = run_tasks_[slot];
  tasks.clear();
  if (also & says::kTasks)
    for (auto left = get<std::uint32_t>(); left > 0; --left) tasks.push_back(&get_task());
  else
    tasks.push_back(&tasks_.at(slot));
  run.launched = known_.at;
  known_.next_run = {run.run.value + 1};
  observer_.on_launch(run.launched, {.run = run.run,
                                     .tasks = tasks,
                                     .group = run.group,
                                     .layout = run.times.layout,
                                     .steps = run.times.steps,
                                     .expected = run.times.expected,
                                     .step = run.times.step});
}

void CallPlayer::end_run() {
  const auto also = get<std::uint8_t>();
  const auto slot = get<std::uint32_t>();
  const KnownCalls::Run& run = known_.runs.at(slot);
  const EndFields end = also & says::kOther ? get<EndFields>() : expected_end(run);
  known_.at = end.ended;
  observer_.on_run_end({.run = run.run,
                        .tasks = run_tasks_[slot],
                        .group = run.group,
                        .layout = run.times.layout,
                        .steps = end.steps,
                        .launched = run.launched,
                        .ended = end.ended,
                        .times = end.times,
                        .expected = end.expected,
                        .setup_needed = (also & says::kSetupNeeded) != 0,
                        .failed = (also & says::kFailed) != 0});
}

void CallPlayer::instant() {
  const auto also = get<std::uint8_t>();
  if (also & says::kAt) known_.at = get<TimePoint>();
  if (also & says::kCounts) {
    const auto counts = get<Counts>();
    known_.ready_tasks = counts.ready_tasks;
    known_.idle_gpus = counts.idle_gpus;
  }
  observer_.on_instant(known_.at, known_.ready_tasks, known_.idle_gpus);
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
  if (call == Call::kInstant) return instant();
  const auto at = get<TimePoint>();
  switch (call) {
    case Call::kArrival:
      return arrive(at, std::move(block.requests.at(arrived_++)));
    case Call::kPreempt: {
      const auto run = get<RunId>();
      return observer_.on_preempt(at, run, run_tasks_.at(get<std::uint32_t>()));
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
