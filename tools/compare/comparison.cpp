#include "tools/compare/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <numeric>
#include <set>

#include "core/errors.hpp"

namespace regroup::tools {
namespace {

// What makes the requests; the rest of `config` makes what becomes of them.
const std::set<std::string> kWorkload = {"trace", "cluster", "slo", "steps", "limit", "rate_scale"};

// One request in both runs.
struct Pair {
  const RequestRow* simulated;
  const RequestRow* measured;

  static bool violated(const RequestRow& row, TimePoint deadline) {
    return row.finish == kNever || (deadline != kNever && row.finish > deadline);
  }
  bool simulated_violated() const { return violated(*simulated, simulated->deadline); }
  bool measured_violated() const { return violated(*measured, simulated->deadline); }
};

void compare_configs(const ResultFolder& a, const ResultFolder& b,
                     std::vector<std::string>& warnings) {
  std::set<std::string> keys;
  for (const auto* folder : {&a, &b})
    for (const auto& [key, value] : folder->config) keys.insert(key);
  for (const std::string& key : keys) {
    const std::string in_a = a.config_value(key), in_b = b.config_value(key);
    if (in_a == in_b) continue;
    const std::string difference = fmt::format("the runs differ in {}: '{}' in {}, '{}' in {}", key,
                                               in_a, a.path.string(), in_b, b.path.string());
    if (kWorkload.contains(key))
      fail<ConfigError>("runs of different requests cannot be compared: {}", difference);
    warnings.push_back(difference);
  }
}

std::map<std::string_view, const RequestRow*> by_id(const ResultFolder& folder) {
  std::map<std::string_view, const RequestRow*> rows;
  for (const RequestRow& row : folder.requests)
    if (!rows.emplace(row.id, &row).second)
      fail<ConfigError>("{}: id '{}' occurs twice, so requests cannot be told apart",
                        (folder.path / "requests.csv").string(), row.id);
  return rows;
}

// In order of arrival.
std::vector<Pair> joined(const ResultFolder& simulated, const ResultFolder& measured) {
  const auto left = by_id(simulated), right = by_id(measured);
  const auto lacks = [](const ResultFolder& folder, std::string_view id,
                        const ResultFolder& other) {
    fail<ConfigError>("{}: no request '{}', which {} has", folder.path.string(), id,
                      other.path.string());
  };
  for (const auto& [id, row] : right)
    if (!left.contains(id)) lacks(simulated, id, measured);
  std::vector<Pair> pairs;
  for (const auto& [id, row] : left) {
    const auto found = right.find(id);
    if (found == right.end()) lacks(measured, id, simulated);
    const RequestRow& other = *found->second;
    if (row->request_class != other.request_class || row->model != other.model ||
        row->shape != other.shape || row->steps != other.steps || row->arrival != other.arrival)
      fail<ConfigError>(
          "request '{}': class, model, shape, steps or arrival differ between {} and {}", id,
          simulated.path.string(), measured.path.string());
    pairs.push_back({row, &other});
  }
  std::ranges::stable_sort(pairs, {}, [](const Pair& pair) { return pair.simulated->arrival; });
  return pairs;
}

RateGap rate_gap(std::string name, const std::vector<const Pair*>& pairs) {
  RateGap gap;
  gap.name = std::move(name);
  gap.requests = static_cast<std::int64_t>(pairs.size());
  std::vector<double> differences;
  for (const Pair* pair : pairs) {
    gap.simulated += pair->simulated_violated();
    gap.measured += pair->measured_violated();
    differences.push_back(static_cast<double>(pair->measured_violated()) -
                          static_cast<double>(pair->simulated_violated()));
  }
  gap.simulated /= static_cast<double>(pairs.size());
  gap.measured /= static_cast<double>(pairs.size());
  gap.gap = bootstrap_mean(differences, "compare " + gap.name);
  return gap;
}

void add_rates(const std::vector<Pair>& pairs, Comparison& result) {
  std::vector<const Pair*> all;
  std::vector<std::string> names;
  std::map<std::string, std::vector<const Pair*>> classes;
  for (const Pair& pair : pairs) {
    all.push_back(&pair);
    auto& members = classes[pair.simulated->request_class];
    if (members.empty()) names.push_back(pair.simulated->request_class);
    members.push_back(&pair);
  }
  result.overall = rate_gap("all", all);
  for (const std::string& name : names) result.classes.push_back(rate_gap(name, classes[name]));
}

Spread spread_of(std::vector<double> values) {
  if (values.empty()) {
    const double none = std::nan("");
    return {none, none, none, none, none, none};
  }
  std::ranges::sort(values);
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return {.mean = sum / static_cast<double>(values.size()),
          .p50 = percentile(values, 0.5),
          .p90 = percentile(values, 0.9),
          .p95 = percentile(values, 0.95),
          .p99 = percentile(values, 0.99),
          .max = values.back()};
}

LatencyGap latency_gap(const std::vector<Pair>& pairs) {
  const auto latency = [](const RequestRow& row) { return to_seconds(row.finish - row.arrival); };
  std::vector<double> simulated, measured, differences, sizes;
  LatencyGap gap;
  for (const auto& [sim, real] : pairs) {
    if (sim->finish != kNever) simulated.push_back(latency(*sim));
    if (real->finish != kNever) measured.push_back(latency(*real));
    if (sim->finish == kNever || real->finish == kNever) continue;
    const double difference = latency(*real) - latency(*sim);
    differences.push_back(difference);
    sizes.push_back(std::abs(difference));
    gap.max_relative = std::max(gap.max_relative, std::abs(difference / latency(*sim)));
  }
  gap.simulated = spread_of(std::move(simulated));
  gap.measured = spread_of(std::move(measured));
  gap.pairs = static_cast<std::int64_t>(differences.size());
  gap.median_difference_s = spread_of(std::move(differences)).p50;
  gap.p95_difference_s = spread_of(std::move(sizes)).p95;
  return gap;
}

// What each run was of: "denoise of r000003"; of a batch, all of its requests.
std::function<std::string(std::uint64_t)> namer(const std::vector<TaskRow>& tasks) {
  return [&tasks](std::uint64_t run) {
    std::string text;
    auto task = std::ranges::lower_bound(tasks, run, {}, &TaskRow::run);
    for (; task != tasks.end() && task->run == run; ++task)
      text += text.empty() ? fmt::format("{} of {}", task->stage, task->request)
                           : fmt::format(", {}", task->request);
    return text;
  };
}

void add_divergence(const CompareOptions& options, const std::vector<TaskRow>& simulated_tasks,
                    const std::vector<TaskRow>& measured_tasks, Comparison& result) {
  const auto file = [](const ResultFolder& folder) { return (folder.path / "journal").string(); };
  std::ifstream simulated(file(result.simulated), std::ios::binary),
      measured(file(result.measured), std::ios::binary);
  for (const auto* side : {&result.simulated, &result.measured}) {
    if (std::filesystem::exists(file(*side))) continue;
    result.no_divergence = fmt::format("there is no {}", file(*side));
    return;
  }
  RecordedRun left{simulated, file(result.simulated)}, right{measured, file(result.measured)};
  if (!simulated_tasks.empty() && !measured_tasks.empty()) {
    left.tasks_of = namer(simulated_tasks);
    right.tasks_of = namer(measured_tasks);
  }
  result.divergence = first_divergence(std::move(left), std::move(right), options.time_tolerance);
}

// tasks.csv, or nothing and the reason.
std::vector<TaskRow> tasks_of(const ResultFolder& folder, std::string& why_not) {
  try {
    return read_tasks(folder.path);
  } catch (const ConfigError& error) {
    why_not = error.what();
    return {};
  }
}

void add_steps_and_attribution(const CompareOptions& options, const std::vector<TaskRow>& tasks,
                               Comparison& result) {
  std::optional<Rerun> rerun;
  if (result.no_steps.empty()) {
    try {
      rerun = rerun_of(result.simulated, options.hints);
      models::Platform platform(rerun->experiment.platform);
      result.steps = step_errors(tasks, rerun->requests, platform);
    } catch (const ConfigError& error) {
      result.no_steps = error.what();
    }
  }
  if (!options.attribute) {
    result.no_attribution = "not asked for (--no-attribution)";
  } else if (!result.steps) {
    result.no_attribution = result.no_steps;
  } else if (const std::string on = result.simulated.on(); !on.empty() && on != "sim") {
    result.no_attribution = fmt::format("{} was not simulated", result.simulated.path.string());
  } else {
    try {
      result.attribution = attribute(*rerun, *result.steps,
                                     {result.overall.simulated, result.latency.simulated.mean},
                                     {result.overall.measured, result.latency.measured.mean});
    } catch (const ConfigError& error) {
      result.no_attribution = error.what();
    }
  }
}

// |measured / simulated - 1|; equal if there is neither.
double relative_gap(double simulated, double measured) {
  if (std::isnan(simulated) && std::isnan(measured)) return 0;
  return std::abs(measured / simulated - 1);
}

std::vector<Gate> gates_of(const Comparison& c, Limits limits) {
  if (!limits.any()) limits.slo_gap = kDefaultSloGap;
  std::vector<Gate> gates;
  if (limits.slo_gap)
    gates.push_back({"max-slo-gap", "all requests", std::abs(c.overall.gap.mean), *limits.slo_gap});
  if (limits.class_slo_gap)
    for (const RateGap& each : c.classes)
      gates.push_back({"max-class-slo-gap", "class " + each.name, std::abs(each.gap.mean),
                       *limits.class_slo_gap});
  if (limits.latency_gap) {
    const Spread &a = c.latency.simulated, &b = c.latency.measured;
    gates.push_back(
        {"max-latency-gap", "mean latency", relative_gap(a.mean, b.mean), *limits.latency_gap});
    gates.push_back(
        {"max-latency-gap", "P95 latency", relative_gap(a.p95, b.p95), *limits.latency_gap});
  }
  if (limits.step_error) {
    if (!c.steps) fail<ConfigError>("--max-step-error: no step can be compared: {}", c.no_steps);
    if (const CellError* worst = c.steps->worst_step())
      gates.push_back(
          {"max-step-error", text_of(worst->cell), std::abs(worst->error()), *limits.step_error});
    else
      fail<ConfigError>("--max-step-error: {} took no denoising step", c.measured.path.string());
  }
  return gates;
}

}  // namespace

Comparison compare(const std::filesystem::path& first, const std::filesystem::path& second,
                   const CompareOptions& options) {
  Comparison result;
  result.simulated = read_results(first);
  result.measured = read_results(second);
  if (result.measured.on() == "sim" && result.simulated.on() != "sim")
    std::swap(result.simulated, result.measured);
  compare_configs(result.simulated, result.measured, result.warnings);

  const std::vector<Pair> pairs = joined(result.simulated, result.measured);
  if (pairs.empty()) fail<ConfigError>("{}: there are no requests", first.string());
  const auto moved = std::ranges::count_if(
      pairs, [](const Pair& pair) { return pair.simulated->deadline != pair.measured->deadline; });
  if (moved > 0)
    result.warnings.push_back(fmt::format(
        "{} of {} requests had another deadline in {} (the rule '{}' follows the cost model); both "
        "runs are judged by those of {}",
        moved, pairs.size(), result.measured.path.string(), result.simulated.config_value("slo"),
        result.simulated.path.string()));
  add_rates(pairs, result);
  result.latency = latency_gap(pairs);

  std::string no_simulated_tasks;
  const auto simulated_tasks = tasks_of(result.simulated, no_simulated_tasks);
  const auto measured_tasks = tasks_of(result.measured, result.no_steps);
  add_divergence(options, simulated_tasks, measured_tasks, result);
  add_steps_and_attribution(options, measured_tasks, result);
  if (result.steps && result.steps->expected_otherwise > 0)
    result.warnings.push_back(fmt::format(
        "{} of {} runs of {} expected other times than the cost model of {}: other calibrations",
        result.steps->expected_otherwise, result.steps->runs, result.measured.path.string(),
        result.simulated.path.string()));
  result.gates = gates_of(result, options.limits);
  return result;
}

}  // namespace regroup::tools
