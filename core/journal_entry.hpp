// What a journal is made of: one thing that the loop learned or decided.
#pragma once

#include <string>
#include <vector>

#include "core/backend.hpp"

namespace regroup {

struct JournalEntry {
  // Events as in Event, then decisions.
  enum class Kind : std::uint8_t {
    kRunEnded,
    kRunFailed,
    kGpuFailed,
    kGpuRepaired,
    kPlace,
    kPreempt,
    kReject,
    kWake
  };
  static constexpr int kKinds = 8;

  // What a kind has nothing of keeps whatever value it has, and is not looked at.
  Kind kind{};
  TimePoint at{};
  RunId run{};                // runs, place, preempt
  int steps = 0;              // runs: done and kept; place: asked for
  RunTimes times{};           // runs
  GpuId gpu{};                // GPUs
  std::vector<TaskId> tasks;  // place
  Group group{};              // place
  Layout layout{};            // place
  RequestId request{};        // reject
  TimePoint when{};           // wake

  bool is_decision() const { return kind >= Kind::kPlace; }
  bool is_of_run() const { return kind == Kind::kRunEnded || kind == Kind::kRunFailed; }
  friend bool operator==(const JournalEntry& a, const JournalEntry& b);
};

// The entry as a line of text, without its end; times in nanoseconds:
//   e <at> end|fail <run> <steps> <dispatch> <setup> <migrate> <compute>
//   e <at> gpu-failed|gpu-repaired <gpu>
//   d <at> place <run> <task>[,<task>...] <gpu>[,<gpu>...] <layout> <steps>
//   d <at> preempt <run> | reject <request> | wake <when>
void append(std::string& text, const JournalEntry& entry);
std::string text_of(const JournalEntry& entry);

// The line above them all; entries are counted from the second line on.
inline constexpr const char* kJournalHeading = "# regroup journal v2";

}  // namespace regroup
