#include "core/relay_records.hpp"

#include <cstring>
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
  kInstant,
  kEnd,
  kJournalEvent,
  kJournalPlace,
  kJournalPreempt,
  kJournalReject,
  kJournalWake,
};

// The rest of a task is its request's. Groups and tasks follow their records, each list with its
// length in front.
struct TaskFields {
  TaskId id;
  RequestId request;
  std::uint32_t slot;
  std::int32_t steps_total;
  std::uint8_t stage;
  StageKind kind;
};

struct LaunchFields {
  RunId run;
  Layout layout;
  int steps;
  RunTimes expected;
  Duration step;
};

struct RunFields {
  RunId run;
  Layout layout;
  int steps;
  TimePoint launched;
  TimePoint ended;
  RunTimes times;
  Duration expected;
  bool setup_needed;
  bool failed;
};

}  // namespace

void CallBlock::clear() {
  bytes.clear();
  requests.clear();
  classes.clear();
}

template <class... Fields>
void CallRecorder::put(const Fields&... fields) {
  static_assert((std::is_trivially_copyable_v<Fields> && ...));
  std::vector<std::byte>& bytes = block_.bytes;
  std::size_t at = bytes.size();
  bytes.resize(at + (sizeof(Fields) + ...));
  ((std::memcpy(&bytes[at], &fields, sizeof fields), at += sizeof fields), ...);
}

void CallRecorder::put_group(const Group& group) {
  put(static_cast<std::uint32_t>(group.size()));
  for (const GpuId gpu : group) put(gpu);
}

void CallRecorder::put_tasks(std::span<const Task* const> tasks) {
  put(static_cast<std::uint32_t>(tasks.size()));
  for (const Task* t : tasks)
    put(TaskFields{t->id, t->request, t->slot, t->steps_total, t->stage, t->kind});
}

void CallRecorder::put_launch(const Launch& l) {
  put(LaunchFields{l.run, l.layout, l.steps, l.expected, l.step});
  put_group(l.group);
  put_tasks(l.tasks);
}

void CallRecorder::arrival(TimePoint at, const Request& request) {
  put(Call::kArrival, at);
  block_.requests.push_back(request);
  for (; classes_told_ < classes_.size(); ++classes_told_)
    block_.classes.push_back(classes_.name({classes_told_}));
}

void CallRecorder::launch(TimePoint at, const Launch& launch) {
  put(Call::kLaunch, at);
  put_launch(launch);
}

void CallRecorder::preempt(TimePoint at, RunId run) { put(Call::kPreempt, at, run); }

void CallRecorder::run_end(const RunRecord& r) {
  put(Call::kRunEnd, RunFields{r.run, r.layout, r.steps, r.launched, r.ended, r.times, r.expected,
                               r.setup_needed, r.failed});
  put_group(r.group);
  put_tasks(r.tasks);
}

void CallRecorder::request_end(const RequestOutcome& outcome) {
  put(Call::kRequestEnd, outcome.request->id, outcome);
}

void CallRecorder::instant(TimePoint at, std::size_t ready_tasks, int idle_gpus) {
  put(Call::kInstant, at, ready_tasks, idle_gpus);
}

void CallRecorder::end(TimePoint at) { put(Call::kEnd, at); }

void CallRecorder::journal_event(const Event& event) { put(Call::kJournalEvent, event); }

void CallRecorder::journal_place(TimePoint at, const Launch& launch) {
  put(Call::kJournalPlace, at);
  put_launch(launch);
}

void CallRecorder::journal_preempt(TimePoint at, RunId run) { put(Call::kJournalPreempt, at, run); }

void CallRecorder::journal_reject(TimePoint at, RequestId request) {
  put(Call::kJournalReject, at, request);
}

void CallRecorder::journal_wake(TimePoint at, TimePoint when) { put(Call::kJournalWake, at, when); }

void CallPlayer::play(CallBlock& block) {
  for (const std::string& name : block.classes) classes_.intern(name);
  left_ = block.bytes;
  arrived_ = 0;
  while (!left_.empty()) play_one(block);
}

template <class Field>
Field CallPlayer::get() {
  static_assert(std::is_trivially_copyable_v<Field>);
  RG_CHECK(left_.size() >= sizeof(Field), "a call is cut short: {} bytes", left_.size());
  Field field;
  std::memcpy(&field, left_.data(), sizeof field);
  left_ = left_.subspan(sizeof field);
  return field;
}

Group CallPlayer::get_group() {
  Group group;
  for (auto left = get<std::uint32_t>(); left > 0; --left) group.push_back(get<GpuId>());
  return group;
}

void CallPlayer::get_tasks() {
  tasks_.resize(get<std::uint32_t>());
  pointers_.clear();
  for (Task& task : tasks_) {
    const auto f = get<TaskFields>();
    const Request* const request = requests_.find(f.request);
    RG_CHECK(request != nullptr, "a task of request {}, which is not there", f.request.value);
    task.id = f.id;
    task.request = f.request;
    task.slot = f.slot;
    task.model = request->model;
    task.shape_id = request->shape_id;
    task.request_class = request->request_class;
    task.stage = f.stage;
    task.kind = f.kind;
    task.shape = request->shape;
    task.priority = request->priority;
    task.denoise_steps = request->steps;
    task.steps_total = f.steps_total;
    task.arrival = request->arrival;
    task.deadline = request->deadline;
    pointers_.push_back(&task);
  }
}

Launch CallPlayer::get_launch() {
  const auto f = get<LaunchFields>();
  Launch launch{.run = f.run,
                .tasks = {},  // those that follow the group
                .group = get_group(),
                .layout = f.layout,
                .steps = f.steps,
                .expected = f.expected,
                .step = f.step};
  get_tasks();
  launch.tasks = pointers_;
  return launch;
}

void CallPlayer::arrive(TimePoint at, Request&& arriving) {
  Request& request = requests_.add(arriving.id);
  request = std::move(arriving);
  observer_.on_arrival(at, request);
}

void CallPlayer::end_run() {
  const auto f = get<RunFields>();
  RunRecord run{.run = f.run,
                .tasks = {},  // those that follow the group
                .group = get_group(),
                .layout = f.layout,
                .steps = f.steps,
                .launched = f.launched,
                .ended = f.ended,
                .times = f.times,
                .expected = f.expected,
                .setup_needed = f.setup_needed,
                .failed = f.failed};
  get_tasks();
  run.tasks = pointers_;
  observer_.on_run_end(run);
}

void CallPlayer::end_request() {
  const auto id = get<RequestId>();
  auto outcome = get<RequestOutcome>();
  outcome.request = &requests_.remove(id);
  observer_.on_request_end(outcome);
}

void CallPlayer::play_one(CallBlock& block) {
  switch (get<Call>()) {
    case Call::kArrival: {
      const auto at = get<TimePoint>();
      return arrive(at, std::move(block.requests.at(arrived_++)));
    }
    case Call::kLaunch: {
      const auto at = get<TimePoint>();
      return observer_.on_launch(at, get_launch());
    }
    case Call::kPreempt: {
      const auto at = get<TimePoint>();
      return observer_.on_preempt(at, get<RunId>());
    }
    case Call::kRunEnd:
      return end_run();
    case Call::kRequestEnd:
      return end_request();
    case Call::kInstant: {
      const auto at = get<TimePoint>();
      const auto ready_tasks = get<std::size_t>();
      return observer_.on_instant(at, ready_tasks, get<int>());
    }
    case Call::kEnd:
      return observer_.on_end(get<TimePoint>());
    case Call::kJournalEvent:
      return journal_->event(get<Event>());
    case Call::kJournalPlace: {
      const auto at = get<TimePoint>();
      return journal_->place(at, get_launch());
    }
    case Call::kJournalPreempt: {
      const auto at = get<TimePoint>();
      return journal_->preempt(at, get<RunId>());
    }
    case Call::kJournalReject: {
      const auto at = get<TimePoint>();
      return journal_->reject(at, get<RequestId>());
    }
    case Call::kJournalWake: {
      const auto at = get<TimePoint>();
      return journal_->wake(at, get<TimePoint>());
    }
  }
  RG_CHECK(false, "no such call");
}

}  // namespace regroup
