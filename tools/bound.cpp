// regroup bound: what no policy can beat.
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "tools/bound/attainment_bound.hpp"
#include "tools/result_folder.hpp"
#include "tools/run_flags.hpp"
#include "tools/table.hpp"
#include "tools/verbs.hpp"

namespace regroup::tools {
namespace {

using Json = nlohmann::ordered_json;

struct BoundFlags {
  RunFlags run;
  int max_batch = 0;
  std::string json;
  std::vector<std::string> results;
};

// A run beside the bound.
struct Distance {
  RunRow run;
  std::int64_t attained = 0;
};

// Throws ConfigError for a run of something else than the bound is for.
Distance distance(const std::string& folder, const Experiment& e, const AttainmentBound& bound) {
  const ResultFolder results = read_results(folder);
  const std::vector<std::pair<std::string, std::string>> same = {
      {"trace", std::filesystem::path(e.trace).filename().string()},
      {"cluster", std::filesystem::path(e.cluster).filename().string()},
      {"slo", e.slo},
      {"rate_scale", fmt::format("{}", e.rate_scale)}};
  for (const auto& [key, value] : same)
    if (const std::string other = results.config_value(key); other != value)
      fail<ConfigError>("{}: run with {} {}, the bound is for {}", folder, key, other, value);
  Distance result{.run = read_row(folder)};
  const RunRow& run = result.run;
  if (run.requests != bound.requests)
    fail<ConfigError>("{}: of {} requests, the bound is for {}", folder, run.requests,
                      bound.requests);
  result.attained = std::llround(static_cast<double>(run.requests) * (1 - run.slo_violation_rate));
  return result;
}

void print(const AttainmentBound& bound) {
  const Fit& fit = bound.competing;
  const auto competing = bound.with_deadline - bound.too_late_alone;
  fmt::print("{} requests, {} with a deadline, on {} GPUs\n", bound.requests, bound.with_deadline,
             bound.gpus);
  fmt::print("{} would be late even alone, on the fastest layouts\n", bound.too_late_alone);
  if (competing > 0 && fit.all)
    fmt::print("{} share the GPUs: all fit together (max-flow over {} intervals)\n", competing,
               fit.intervals);
  else if (competing > 0)
    fmt::print(
        "{} share the GPUs: {:.2f} of them fit, parts counted as parts ({} max-flows over {} "
        "intervals)\n",
        competing, fit.fractional, fit.flows, fit.intervals);
  const double share = bound.attainment();
  fmt::print("\nattained    at most  {} of {}, {}\n", bound.attained(), bound.requests,
             percent(share));
  fmt::print("violations  at least {} of {}, {}\n", bound.violations(), bound.requests,
             percent(1 - share));
}

// In a format for programs the bound has a row of its own.
void print(const std::vector<Distance>& distances, const AttainmentBound& bound,
           TableFormat format) {
  std::vector<std::vector<std::string>> rows = {{"policy", "attained", "share", "below the bound"}};
  if (format != TableFormat::kText)
    rows.push_back({"(any schedule, at most)", fmt::format("{}", bound.attained()),
                    percent(bound.attainment()), "0 (0.0 points)"});
  for (const Distance& each : distances)
    rows.push_back({each.run.name, fmt::format("{}", each.attained),
                    percent(1 - each.run.slo_violation_rate),
                    fmt::format("{} ({:.1f} points)", bound.attained() - each.attained,
                                100 * (bound.attainment() - 1 + each.run.slo_violation_rate))});
  if (format == TableFormat::kText) fmt::print("\n");
  print_table(rows, format);
}

Json json_of(const AttainmentBound& bound, const std::vector<Distance>& distances) {
  Json json = {{"format", "regroup-bound"},
               {"version", 1},
               {"gpus", bound.gpus},
               {"requests", bound.requests},
               {"with_deadline", bound.with_deadline},
               {"too_late_alone", bound.too_late_alone},
               {"competing", bound.with_deadline - bound.too_late_alone},
               {"competing_fractional", bound.competing.fractional},
               {"competing_all_fit", bound.competing.all},
               {"intervals", bound.competing.intervals},
               {"attained_at_most", bound.attained()},
               {"slo_attainment_at_most", bound.attainment()},
               {"violations_at_least", bound.violations()},
               {"slo_violation_rate_at_least", 1 - bound.attainment()}};
  for (const Distance& each : distances)
    json["runs"].push_back({{"name", each.run.name},
                            {"attained", each.attained},
                            {"slo_attainment", 1 - each.run.slo_violation_rate},
                            {"below_bound", bound.attained() - each.attained}});
  return json;
}

void write(const std::string& file, const Json& json) {
  std::ofstream stream(file);
  stream << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  stream.close();
  if (!stream) fail<SystemError>("{}: cannot be written", file);
}

void show(const BoundFlags& flags) {
  const Experiment experiment = experiment_of(flags.run);
  const AttainmentBound bound = attainment_bound(experiment, flags.max_batch);
  std::vector<Distance> distances;
  for (const std::string& folder : flags.results)
    distances.push_back(distance(folder, experiment, bound));
  const TableFormat format = flags.run.format;
  if (format == TableFormat::kText) print(bound);
  if (!distances.empty() || format != TableFormat::kText) print(distances, bound, format);
  if (!flags.json.empty()) write(flags.json, json_of(bound, distances));
  for (std::size_t i = 0; i < distances.size(); ++i)
    if (distances[i].attained > bound.attained())
      fail<CheckFailed>(
          "{}: {} requests in time, {} more than any schedule can: it was run with other costs, "
          "deadlines or failures than these, or with batches above --max-batch",
          flags.results[i], distances[i].attained, distances[i].attained - bound.attained());
}

}  // namespace

void add_bound(CLI::App& program) {
  CLI::App* verb = program.add_subcommand(
      "bound", "How many requests of a trace any schedule can finish in time, at most.");
  auto flags = std::make_shared<BoundFlags>();
  verb->fallthrough();  // --config belongs to the program
  verb->add_option("--trace", flags->run.experiment.trace,
                   "the trace: regroup CSV, Hetu-DiT text or GF-DiT JSON")
      ->required();
  add_run_flags(*verb, flags->run);
  verb->remove_option(verb->get_option("--param"));   // no policy is asked,
  verb->remove_option(verb->get_option("--groups"));  // and forming groups costs nothing
  verb->add_option("--max-batch", flags->max_batch,
                   "the largest batch of requests that a schedule may make (default: any); 1 for "
                   "the best that policies without batching can do")
      ->check(CLI::PositiveNumber);
  add_format_flag(*verb, flags->run.format);
  verb->add_option("--json", flags->json, "a file for the same as JSON");
  verb->add_option("--results", flags->results,
                   "folders of replay --out, run with the same flags: how far below the bound");
  verb->callback([flags] { show(*flags); });
}

}  // namespace regroup::tools
