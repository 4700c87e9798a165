#include "core/relay_records.hpp"

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

// A request but for its label.
struct RequestFields {
  RequestId id;
  TimePoint arrival;
  ModelId model;
  ShapeId shape_id;
  Shape shape;
  int steps;
  double guidance;
  ClassId request_class;
  int priority;
  TimePoint deadline;
};

struct TaskFields {
  TaskId id;
  RequestId request;
  std::uint32_t slot;
  ModelId model;
  ShapeId shape_id;
  ClassId request_class;
  std::uint8_t stage;
  StageKind kind;
  Shape shape;
  std::int32_t priority;
  std::int32_t denoise_steps;
  std::int32_t steps_total;
  TimePoint arrival;
  TimePoint deadline;
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

template <class... Fields>
void CallWriter::put(const Fields&... fields) {
  static_assert((std::is_trivially_copyable_v<Fields> && ...));
  std::size_t at = bytes_.size();
  bytes_.resize(at + (sizeof(Fields) + ...));
  ((std::memcpy(&bytes_[at], &fields, sizeof fields), at += sizeof fields), ...);
}

void CallWriter::put_text(std::string_view text) {
  put(text.size());
  const auto* const first = reinterpret_cast<const std::byte*>(text.data());
  bytes_.insert(bytes_.end(), first, first + text.size());
}

void CallWriter::put_group(const Group& group) {
  put(static_cast<std::uint32_t>(group.size()));
  for (const GpuId gpu : group) put(gpu);
}

void CallWriter::put_tasks(std::span<const Task* const> tasks) {
  put(static_cast<std::uint32_t>(tasks.size()));
  for (const Task* t : tasks)
    put(TaskFields{t->id, t->request, t->slot, t->model, t->shape_id, t->request_class, t->stage,
                   t->kind, t->shape, t->priority, t->denoise_steps, t->steps_total, t->arrival,
                   t->deadline});
}

void CallWriter::put_launch(const Launch& l) {
  put(LaunchFields{l.run, l.layout, l.steps, l.expected, l.step});
  put_group(l.group);
  put_tasks(l.tasks);
}

void CallWriter::arrival(TimePoint at, const Request& r) {
  put(Call::kArrival, at,
      RequestFields{r.id, r.arrival, r.model, r.shape_id, r.shape, r.steps, r.guidance,
                    r.request_class, r.priority, r.deadline});
  put_text(r.label);
  // Classes are numbered as they first appear in the trace, so each is told before it is needed.
  const std::uint32_t known = std::max(classes_put_, r.request_class.value + 1);
  put(known - classes_put_);
  for (; classes_put_ < known; ++classes_put_) put_text(classes_.name({classes_put_}));
}

void CallWriter::launch(TimePoint at, const Launch& launch) {
  put(Call::kLaunch, at);
  put_launch(launch);
}

void CallWriter::preempt(TimePoint at, RunId run) { put(Call::kPreempt, at, run); }

void CallWriter::run_end(const RunRecord& r) {
  put(Call::kRunEnd, RunFields{r.run, r.layout, r.steps, r.launched, r.ended, r.times, r.expected,
                               r.setup_needed, r.failed});
  put_group(r.group);
  put_tasks(r.tasks);
}

void CallWriter::request_end(const RequestOutcome& outcome) {
  put(Call::kRequestEnd, outcome.request->id, outcome);
}

void CallWriter::instant(TimePoint at, std::size_t ready_tasks, int idle_gpus) {
  put(Call::kInstant, at, ready_tasks, idle_gpus);
}

void CallWriter::end(TimePoint at) { put(Call::kEnd, at); }

void CallWriter::journal_event(const Event& event) { put(Call::kJournalEvent, event); }

void CallWriter::journal_place(TimePoint at, const Launch& launch) {
  put(Call::kJournalPlace, at);
  put_launch(launch);
}

void CallWriter::journal_preempt(TimePoint at, RunId run) { put(Call::kJournalPreempt, at, run); }

void CallWriter::journal_reject(TimePoint at, RequestId request) {
  put(Call::kJournalReject, at, request);
}

void CallWriter::journal_wake(TimePoint at, TimePoint when) { put(Call::kJournalWake, at, when); }

template <class Field>
Field CallPlayer::get() {
  static_assert(std::is_trivially_copyable_v<Field>);
  RG_CHECK(left_.size() >= sizeof(Field), "a call of {} bytes is cut short", left_.size());
  Field field;
  std::memcpy(&field, left_.data(), sizeof field);
  left_ = left_.subspan(sizeof field);
  return field;
}

std::string_view CallPlayer::get_text() {
  const auto size = get<std::size_t>();
  RG_CHECK(left_.size() >= size, "a text of {} bytes is cut short", size);
  const std::string_view text(reinterpret_cast<const char*>(left_.data()), size);
  left_ = left_.subspan(size);
  return text;
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
    task = {.id = f.id,
            .request = f.request,
            .slot = f.slot,
            .model = f.model,
            .shape_id = f.shape_id,
            .request_class = f.request_class,
            .stage = f.stage,
            .kind = f.kind,
            .shape = f.shape,
            .priority = f.priority,
            .denoise_steps = f.denoise_steps,
            .steps_total = f.steps_total,
            .arrival = f.arrival,
            .deadline = f.deadline};
    pointers_.push_back(&task);
  }
}

// Its tasks are valid until the next call.
Launch CallPlayer::get_launch() {
  const auto f = get<LaunchFields>();
  const Group group = get_group();
  get_tasks();
  return {.run = f.run,
          .tasks = pointers_,
          .group = group,
          .layout = f.layout,
          .steps = f.steps,
          .expected = f.expected,
          .step = f.step};
}

void CallPlayer::arrive(Observer& observer) {
  const auto at = get<TimePoint>();
  const auto f = get<RequestFields>();
  Request& request = requests_.add(f.id);
  request = {.id = f.id,
             .label = std::string(get_text()),
             .arrival = f.arrival,
             .model = f.model,
             .shape_id = f.shape_id,
             .shape = f.shape,
             .steps = f.steps,
             .guidance = f.guidance,
             .request_class = f.request_class,
             .priority = f.priority,
             .deadline = f.deadline};
  for (auto left = get<std::uint32_t>(); left > 0; --left) classes_.intern(get_text());
  observer.on_arrival(at, request);
}

void CallPlayer::end_run(Observer& observer) {
  const auto f = get<RunFields>();
  const Group group = get_group();
  get_tasks();
  observer.on_run_end({.run = f.run,
                       .tasks = pointers_,
                       .group = group,
                       .layout = f.layout,
                       .steps = f.steps,
                       .launched = f.launched,
                       .ended = f.ended,
                       .times = f.times,
                       .expected = f.expected,
                       .setup_needed = f.setup_needed,
                       .failed = f.failed});
}

void CallPlayer::play(std::span<const std::byte> calls, Observer* observer, Journal* journal) {
  left_ = calls;
  while (!left_.empty()) play_one(observer, journal);
}

void CallPlayer::play_one(Observer* observer, Journal* journal) {
  switch (get<Call>()) {
    case Call::kArrival:
      return arrive(*observer);
    case Call::kLaunch: {
      const auto at = get<TimePoint>();
      return observer->on_launch(at, get_launch());
    }
    case Call::kPreempt: {
      const auto at = get<TimePoint>();
      return observer->on_preempt(at, get<RunId>());
    }
    case Call::kRunEnd:
      return end_run(*observer);
    case Call::kRequestEnd: {
      const auto id = get<RequestId>();
      auto outcome = get<RequestOutcome>();
      outcome.request = &requests_.remove(id);
      return observer->on_request_end(outcome);
    }
    case Call::kInstant: {
      const auto at = get<TimePoint>();
      const auto ready_tasks = get<std::size_t>();
      return observer->on_instant(at, ready_tasks, get<int>());
    }
    case Call::kEnd:
      return observer->on_end(get<TimePoint>());
    case Call::kJournalEvent:
      return journal->event(get<Event>());
    case Call::kJournalPlace: {
      const auto at = get<TimePoint>();
      return journal->place(at, get_launch());
    }
    case Call::kJournalPreempt: {
      const auto at = get<TimePoint>();
      return journal->preempt(at, get<RunId>());
    }
    case Call::kJournalReject: {
      const auto at = get<TimePoint>();
      return journal->reject(at, get<RequestId>());
    }
    case Call::kJournalWake: {
      const auto at = get<TimePoint>();
      return journal->wake(at, get<TimePoint>());
    }
  }
  RG_CHECK(false, "no such call");
}

}  // namespace regroup
