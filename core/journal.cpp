#include "core/journal.hpp"

#include "core/errors.hpp"

namespace regroup {
namespace {

using Kind = JournalEntry::Kind;
using journal_format::folded;

// The most bytes that a number, and an entry without tasks, can take.
constexpr std::size_t kNumberBytes = 10;
constexpr std::size_t kEntryBytes = 1 + (kMaxGroupSize + 12) * kNumberBytes;

std::uint64_t bits(TimePoint time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

class Encoder {
 public:
  explicit Encoder(char* to) : to_(to) {}

  void byte(std::uint8_t value) { *to_++ = static_cast<char>(value); }
  void since(TimePoint time, std::uint64_t& before) {
    RG_CHECK(time >= TimePoint{} && bits(time) >= before, "time goes back to {} ns", bits(time));
    number(bits(time) - before);
    before = bits(time);
  }
  void instant(TimePoint time, std::uint64_t guess) { near(bits(time), guess); }
  void near(std::uint64_t value, std::uint64_t guess) { number(folded(value - guess)); }
  template <std::integral Number>
  void whole(Number value) {
    number(static_cast<std::uint64_t>(value));
  }
  void length(Duration duration) { number(folded(static_cast<std::uint64_t>(duration.count()))); }
  void tasks(const std::vector<TaskId>& tasks, std::uint64_t& guess) {
    number(tasks.size());
    for (const TaskId task : tasks) {
      near(task.value, guess);
      guess = task.value;
    }
  }
  void group(const Group& group) {
    number(group.size());
    std::uint64_t guess = 0;
    for (const GpuId gpu : group) {
      near(gpu.value, guess);
      guess = std::uint64_t{gpu.value} + 1;
    }
  }
  void layout(Layout layout, const Group& group) {
    if (layout == journal_format::plain_layout(group)) return number(0);
    for (const std::uint8_t part : {layout.cfg, layout.ulysses, layout.ring, layout.tp})
      number(part);
  }

  const char* end() const { return to_; }

 private:
  // By a copy of the pointer: for all the compiler knows, a char may be part of the pointer itself.
  void number(std::uint64_t value) {
    char* to = to_;
    for (; value >= 0x80; value >>= 7) *to++ = static_cast<char>(value | 0x80);
    *to++ = static_cast<char>(value);
    to_ = to;
  }

  char* to_;
};

}  // namespace

void Journal::begin(Kind kind, TimePoint at) {
  entry_.kind = kind;
  entry_.at = at;
}

void Journal::on_launch(TimePoint at, const Launch& launch) {
  begin(Kind::kPlace, at);
  entry_.run = launch.run;
  entry_.tasks.clear();
  for (const Task* task : launch.tasks) entry_.tasks.push_back(task->id);
  entry_.group = launch.group;
  entry_.layout = launch.layout;
  entry_.steps = launch.steps;
  entry(entry_);
}

void Journal::on_preempt(TimePoint at, RunId run, std::span<const Task* const>) {
  begin(Kind::kPreempt, at);
  entry_.run = run;
  entry(entry_);
}

void Journal::on_run_end(const RunRecord& run) {
  begin(run.failed ? Kind::kRunFailed : Kind::kRunEnded, run.ended);
  entry_.run = run.run;
  entry_.steps = run.steps;
  entry_.times = run.times;
  entry(entry_);
}

// A request that finishes does so with a run, and one that is unfinished with the journal.
void Journal::on_request_end(const RequestOutcome& outcome) {
  if (outcome.end != RequestOutcome::End::kRejected) return;
  begin(Kind::kReject, outcome.ended);
  entry_.request = outcome.request->id;
  entry(entry_);
}

void Journal::on_gpu_failed(TimePoint at, GpuId gpu) {
  begin(Kind::kGpuFailed, at);
  entry_.gpu = gpu;
  entry(entry_);
}

void Journal::on_gpu_repaired(TimePoint at, GpuId gpu) {
  begin(Kind::kGpuRepaired, at);
  entry_.gpu = gpu;
  entry(entry_);
}

void Journal::on_wake(TimePoint at, TimePoint when) {
  begin(Kind::kWake, at);
  entry_.when = when;
  entry(entry_);
}

JournalWriter::JournalWriter(std::function<void(std::string_view)> sink) : sink_(std::move(sink)) {
  sink_(std::string(kJournalHeading) + '\n');
}

void JournalWriter::entry(const JournalEntry& entry) {
  const std::size_t tasks = entry.kind == Kind::kPlace ? entry.tasks.size() : 0;
  if (const std::size_t most = kEntryBytes + tasks * kNumberBytes; room_.size() < most)
    room_.resize(most);
  Encoder encoder(room_.data());
  encoder.byte(static_cast<std::uint8_t>(entry.kind));
  journal_format::code(encoder, entry, context_);
  sink_({room_.data(), encoder.end()});
}

}  // namespace regroup
