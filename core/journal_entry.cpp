#include "core/journal_entry.hpp"

#include <array>

#include "core/result_text.hpp"

namespace regroup {
namespace {

using Kind = JournalEntry::Kind;

constexpr std::array<const char*, JournalEntry::kKinds> kNames = {
    "end", "fail", "gpu-failed", "gpu-repaired", "place", "preempt", "reject", "wake"};

std::int64_t ns(TimePoint t) { return t.time_since_epoch().count(); }

// Each with a space in front.
template <class... Numbers>
void add_numbers(std::string& text, Numbers... numbers) {
  ((text += ' ', append_number(text, numbers)), ...);
}

}  // namespace

bool operator==(const JournalEntry& a, const JournalEntry& b) {
  if (a.kind != b.kind || a.at != b.at) return false;
  switch (a.kind) {
    case Kind::kRunEnded:
    case Kind::kRunFailed:
      return a.run == b.run && a.steps == b.steps && a.times == b.times;
    case Kind::kGpuFailed:
    case Kind::kGpuRepaired:
      return a.gpu == b.gpu;
    case Kind::kPlace:
      return a.run == b.run && a.steps == b.steps && a.tasks == b.tasks && a.group == b.group &&
             a.layout == b.layout;
    case Kind::kPreempt:
      return a.run == b.run;
    case Kind::kReject:
      return a.request == b.request;
    case Kind::kWake:
      break;
  }
  return a.when == b.when;
}

void append(std::string& text, const JournalEntry& entry) {
  text += entry.is_decision() ? 'd' : 'e';
  add_numbers(text, ns(entry.at));
  (text += ' ') += kNames[static_cast<std::size_t>(entry.kind)];
  switch (entry.kind) {
    case Kind::kRunEnded:
    case Kind::kRunFailed:
      return add_numbers(text, entry.run.value, entry.steps, entry.times.dispatch.count(),
                         entry.times.setup.count(), entry.times.migrate.count(),
                         entry.times.compute.count());
    case Kind::kGpuFailed:
    case Kind::kGpuRepaired:
      return add_numbers(text, entry.gpu.value);
    case Kind::kPlace:
      add_numbers(text, entry.run.value);
      for (std::size_t i = 0; i < entry.tasks.size(); ++i) {
        text += i == 0 ? ' ' : ',';
        append_number(text, entry.tasks[i].value);
      }
      text += ' ';
      append(text, entry.group, ',');
      text += ' ';
      append(text, entry.layout);
      return add_numbers(text, entry.steps);
    case Kind::kPreempt:
      return add_numbers(text, entry.run.value);
    case Kind::kReject:
      return add_numbers(text, entry.request.value);
    case Kind::kWake:
      return add_numbers(text, ns(entry.when));
  }
}

std::string text_of(const JournalEntry& entry) {
  std::string text;
  append(text, entry);
  return text;
}

}  // namespace regroup
