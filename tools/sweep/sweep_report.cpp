#include "tools/sweep/sweep_report.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/result_text.hpp"
#include "tools/sweep/setting_text.hpp"
#include "tools/table.hpp"

namespace regroup::tools {
namespace {

using Row = std::vector<std::string>;

std::string line_of(const Row& row) {
  std::string line;
  for (const std::string& field : row) line += csv_field(field) + ',';
  line.back() = '\n';
  return line;
}

void add(Row& row, const Row& more) { row.insert(row.end(), more.begin(), more.end()); }

Row with_interval(const std::string& name) { return {name, name + "_low", name + "_high"}; }

Row numbers(const Estimate& estimate) {
  return {number_text(estimate.mean), number_text(estimate.low()), number_text(estimate.high())};
}

std::string yes(bool value) { return value ? "1" : "0"; }

std::string percent(const Estimate& rate) {
  return std::isnan(rate.half_width)
             ? fmt::format("{:.1f}", 100 * rate.mean)
             : fmt::format("{:.1f} ± {:.1f}", 100 * rate.mean, 100 * rate.half_width);
}

std::string search_sentence(const SweepSpec::Search& search) {
  const char* what = search.axis == SweepSpec::Axis::kRate   ? "The highest load"
                     : search.axis == SweepSpec::Axis::kGpus ? "The fewest GPUs"
                                                             : "The tightest SLO scale";
  return fmt::format("{} with violations of at most {:g} %:\n", what, 100 * search.target);
}

std::string answer_text(const SearchResult& search) {
  const Capacity& capacity = search.capacity;
  if (capacity.end == Capacity::End::kAllOver) return "none";
  const std::string value = fmt::format("{:.4g}", capacity.answer().point);
  return capacity.end == Capacity::End::kAllUnder ? value + " (the end)" : value;
}

std::string searches_text(const SweepSpec& spec, const SweepResults& results) {
  std::vector<Row> rows = {SettingText(spec).short_heading()};
  add(rows.front(), {"answer", "violations %", "decided by", "GPUs", "GPU-hours"});
  std::string notes;
  for (const SearchResult& search : results.searches) {
    const Probe& probe = search.capacity.answer();
    Row& row = rows.emplace_back(SettingText(spec).short_fields(search.setting));
    const bool none = search.capacity.end == Capacity::End::kAllOver;
    add(row,
        {answer_text(search), percent(probe.violation_rate),
         search.capacity.decided ? "intervals" : "means", fmt::format("{}", search.gpus),
         none ? "" : fmt::format("{:.3g} / 1,000 {}", search.gpu_hours_per_1000, search.unit)});
    if (!search.capacity.monotone)
      notes +=
          fmt::format("note: {}: violations do not grow all the way; other answers may exist\n",
                      spec.policy_names[search.setting.policy]);
  }
  return search_sentence(*spec.search) + aligned(rows) + notes;
}

std::string settings_text(const SweepSpec& spec, const SweepResults& results) {
  constexpr std::size_t kMost = 60;
  if (results.settings.size() > kMost)
    return fmt::format("{} settings; see summary.csv\n", results.settings.size());
  std::vector<Row> rows = {SettingText(spec).short_heading()};
  add(rows.front(), {"violations %", "mean s", "P95 s", "GPU-hours / 1,000"});
  if (spec.baseline) rows.front().push_back("% less " + spec.policy_names[*spec.baseline]);
  for (const SettingResult& setting : results.settings) {
    const auto mean = [&](double RunNumbers::*value) {
      return fmt::format("{:.3g}", setting.estimate({"", value, true}).mean);
    };
    const Metric violations{"", &RunNumbers::violation_rate, true};
    Row& row = rows.emplace_back(SettingText(spec).short_fields(setting.setting));
    add(row, {percent(setting.estimate(violations)), mean(&RunNumbers::latency_mean_s),
              mean(&RunNumbers::latency_p95_s), mean(&RunNumbers::gpu_hours_per_1000)});
    if (const SettingResult* baseline = baseline_of(spec, results, setting))
      row.push_back(percent(less_baseline(setting, *baseline, violations)));
  }
  return aligned(rows);
}

}  // namespace

std::string cells_csv(const SweepSpec& spec, const SweepResults& results) {
  const SettingText text(spec);
  Row heading = {"cell"};
  add(heading, text.heading());
  heading.push_back("seed");
  for (const Metric& metric : kMetrics) heading.push_back(metric.name);
  std::string csv = line_of(heading);
  std::size_t cell = 0;
  for (const SettingResult& setting : results.settings)
    for (std::size_t seed = 0; seed < setting.runs.size(); ++seed) {
      Row row = {fmt::format("{}", cell++)};
      add(row, text.fields(setting.setting));
      row.push_back(fmt::format("{}", seed));
      for (const Metric& metric : kMetrics)
        row.push_back(number_text(setting.runs[seed].*metric.value));
      csv += line_of(row);
    }
  return csv;
}

std::string summary_csv(const SweepSpec& spec, const SweepResults& results) {
  const SettingText text(spec);
  Row heading = text.heading();
  heading.push_back("seeds");
  for (const Metric& metric : kMetrics)
    if (metric.averaged) add(heading, with_interval(metric.name));
  for (const Metric& metric : kMetrics)
    if (metric.averaged && spec.baseline)
      add(heading, with_interval(std::string(metric.name) + "_minus_baseline"));
  std::string csv = line_of(heading);
  for (const SettingResult& setting : results.settings) {
    Row row = text.fields(setting.setting);
    row.push_back(fmt::format("{}", setting.runs.size()));
    for (const Metric& metric : kMetrics)
      if (metric.averaged) add(row, numbers(setting.estimate(metric)));
    if (const SettingResult* baseline = baseline_of(spec, results, setting))
      for (const Metric& metric : kMetrics)
        if (metric.averaged) add(row, numbers(less_baseline(setting, *baseline, metric)));
    csv += line_of(row);
  }
  return csv;
}

std::string capacity_csv(const SweepSpec& spec, const SweepResults& results) {
  const SettingText text(spec);
  Row heading = text.heading();
  add(heading, {"search", "end", "capacity", "over", "violation_rate", "violation_rate_low",
                "violation_rate_high", "seeds", "probes", "runs", "decided", "monotone", "gpus",
                "throughput_rps", "gpu_hours_per_1000", "unit"});
  std::string csv = line_of(heading);
  for (const SearchResult& search : results.searches) {
    const Capacity& capacity = search.capacity;
    const bool none = capacity.end == Capacity::End::kAllOver;
    int runs = 0;
    for (const Probe& probe : capacity.probes) runs += probe.seeds;
    Row row = text.fields(search.setting);
    add(row, {text_of(spec.search->axis), text_of(capacity.end),
              none ? "" : number_text(capacity.answer().point),
              capacity.over ? number_text(*capacity.over_point()) : ""});
    add(row, numbers(capacity.answer().violation_rate));
    add(row, {fmt::format("{}", capacity.answer().seeds), fmt::format("{}", capacity.probes.size()),
              fmt::format("{}", runs), yes(capacity.decided), yes(capacity.monotone),
              number_text(search.gpus), number_text(search.throughput_rps),
              none ? "" : number_text(search.gpu_hours_per_1000), search.unit});
    csv += line_of(row);
  }
  return csv;
}

std::string sweep_text(const SweepSpec& spec, const SweepResults& results) {
  return spec.search ? searches_text(spec, results) : settings_text(spec, results);
}

}  // namespace regroup::tools
