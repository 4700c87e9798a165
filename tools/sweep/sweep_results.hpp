// What came of a sweep: a function of the specification and the records, however they were made.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/sweep/cells.hpp"
#include "tools/sweep/run_records.hpp"

namespace regroup::tools {

// One setting with its runs, by seed.
struct SettingResult {
  Setting setting;
  std::vector<RunNumbers> runs;

  Estimate estimate(const Metric& metric) const;  // 95 %, over the seeds
};

// One capacity search.
struct SearchResult {
  Setting setting;  // at the answer, or at the easy end if even that is over the target
  Capacity capacity;
  std::size_t first = 0;      // of its probes among the settings of the results, which are in order
  double gpus = 0;            // at the answer
  double throughput_rps = 0;  // mean over the seeds
  double gpu_hours_per_1000 = 0;  // all seeds together
  std::string unit;               // "images", "videos" or "requests" (both)
};

struct SweepResults {
  std::vector<SettingResult> settings;  // in the order of settings_of(); of a search, its probes
  std::vector<SearchResult> searches;   // empty if none was asked for
};

// Throws CheckFailed, with the first run that is missing, if there are not all records.
SweepResults collect(const SweepSpec& spec, const RunRecords& records);

// The setting with the baseline policy that is otherwise the same; null without a baseline.
const SettingResult* baseline_of(const SweepSpec& spec, const SweepResults& results,
                                 const SettingResult& setting);
// A metric less that of the baseline: the mean of the differences seed by seed, which have the same
// requests.
Estimate less_baseline(const SettingResult& setting, const SettingResult& baseline,
                       const Metric& metric);

}  // namespace regroup::tools
