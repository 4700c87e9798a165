#include "tools/sweep/sweep_results.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "tools/sweep/sweep_run.hpp"

namespace regroup::tools {
namespace {

const RunNumbers& record_of(const SweepSpec& spec, const RunRecords& records,
                            const Setting& setting, int seed) {
  const std::string id = run_id(spec, setting, seed);
  const auto found = records.find(id);
  if (found == records.end())
    fail<CheckFailed>(
        "the sweep is not done: {} runs are, and '{}' is not; start it again with the same --spec "
        "and --out, and it goes on",
        records.size(), id);
  return found->second;
}

std::string unit_of(const std::vector<RunNumbers>& runs) {
  const auto none = [&](double RunNumbers::*count) {
    return std::ranges::all_of(runs, [&](const RunNumbers& run) { return run.*count == 0; });
  };
  if (none(&RunNumbers::videos)) return "images";
  return none(&RunNumbers::images) ? "videos" : "requests";
}

double sum(const std::vector<RunNumbers>& runs, double RunNumbers::*value) {
  double total = 0;
  for (const RunNumbers& run : runs) total += run.*value;
  return total;
}

void add_search(const SweepSpec& spec, const RunRecords& records, const Setting& setting,
                SweepResults& results) {
  SearchResult search;
  search.first = results.settings.size();
  search.capacity = search_setting(spec, setting, [&](const Setting& probed, int seed) {
    const RunNumbers& run = record_of(spec, records, probed, seed);
    if (seed == 0) results.settings.push_back({.setting = probed, .runs = {}});
    results.settings.back().runs.push_back(run);
    return run;
  });
  const SettingResult& answer = results.settings[search.first + search.capacity.best];
  search.setting = answer.setting;
  search.gpus = answer.runs.front().gpus;
  search.throughput_rps =
      sum(answer.runs, &RunNumbers::throughput_rps) / static_cast<double>(answer.runs.size());
  search.gpu_hours_per_1000 =
      1000 * sum(answer.runs, &RunNumbers::gpu_hours) / sum(answer.runs, &RunNumbers::finished);
  search.unit = unit_of(answer.runs);
  results.searches.push_back(std::move(search));
}

}  // namespace

Estimate SettingResult::estimate(const Metric& metric) const {
  std::vector<double> values;
  for (const RunNumbers& run : runs) values.push_back(run.*metric.value);
  return student_mean(values).within(0, metric.most);
}

SweepResults collect(const SweepSpec& spec, const RunRecords& records) {
  SweepResults results;
  for (const Setting& setting : settings_of(spec)) {
    if (spec.search) {
      add_search(spec, records, setting, results);
      continue;
    }
    SettingResult& result = results.settings.emplace_back();
    result.setting = setting;
    for (int seed = 0; seed < seeds_of(spec, setting); ++seed)
      result.runs.push_back(record_of(spec, records, setting, seed));
  }
  return results;
}

const SettingResult* baseline_of(const SweepSpec& spec, const SweepResults& results,
                                 const SettingResult& setting) {
  if (!spec.baseline) return nullptr;
  // Policies are the innermost of the nested loops.
  const auto at = static_cast<std::size_t>(&setting - results.settings.data());
  return &results.settings[at - setting.setting.policy + *spec.baseline];
}

Estimate less_baseline(const SettingResult& setting, const SettingResult& baseline,
                       const Metric& metric) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < setting.runs.size(); ++i)
    differences.push_back(setting.runs[i].*metric.value - baseline.runs[i].*metric.value);
  return student_mean(differences);
}

}  // namespace regroup::tools
