// What only the journal of a run knows: what was decided, beside what came of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "regroup/policy/types.hpp"

namespace regroup::tools {

struct PlaceMark {
  std::uint64_t decision = 0;  // its number in the run, from 1; 0: not in the journal
  int steps = 0;               // that were asked for
  TimePoint preempted = kNever;
};

struct FailureMark {
  GpuId gpu{};
  TimePoint from{}, to = kNever;  // kNever: not repaired
};

struct JournalMarks {
  std::map<RunId, PlaceMark> places;
  std::vector<TimePoint> rejects;     // in order
  std::vector<FailureMark> failures;  // in order
  std::uint64_t decisions = 0;
};

// DIRECTORY/journal; nullopt if there is none. Throws what JournalReader does.
std::optional<JournalMarks> read_journal_marks(const std::filesystem::path& directory);

}  // namespace regroup::tools
