// A simulated run and a measured one of the same requests, side by side.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/metrics.hpp"
#include "tools/compare/attribution.hpp"
#include "tools/compare/bootstrap.hpp"
#include "tools/compare/divergence.hpp"
#include "tools/compare/gates.hpp"
#include "tools/compare/step_errors.hpp"
#include "tools/result_folder.hpp"

namespace regroup::tools {

struct CompareOptions {
  Limits limits;
  std::optional<Duration> time_tolerance;  // see first_divergence
  bool attribute = true;
  RerunHints hints;
};

// SLO-violation rates over all requests or those of a class.
struct RateGap {
  std::string name;
  std::int64_t requests = 0;
  double simulated = 0, measured = 0;
  Interval gap;  // measured - simulated
};
// Fewer requests than this make an interval that says little.
inline constexpr std::int64_t kFewRequests = 30;

struct LatencyGap {
  Spread simulated{}, measured{};  // seconds; each over the requests that finished in that run
  // Over those that finished in both, each with itself:
  std::int64_t pairs = 0;
  double median_difference_s = 0;  // measured - simulated
  double p95_difference_s = 0;     // of its absolute value
  double max_relative = 0;         // |measured / simulated - 1|
};

struct Comparison {
  ResultFolder simulated, measured;
  std::vector<std::string> warnings;

  RateGap overall;
  std::vector<RateGap> classes;  // in order of first appearance
  LatencyGap latency;

  // Each of these, or why there is none.
  std::optional<Divergence> divergence;
  std::optional<StepErrors> steps;
  std::optional<Attribution> attribution;
  std::string no_divergence, no_steps, no_attribution;

  std::vector<Gate> gates;
};

// The prediction is the folder whose provenance says "sim"; the first if both or neither do. Both
// runs are judged by the deadlines of the prediction.
// Throws ConfigError for folders that cannot be compared: another trace, cluster or SLO rule, other
// steps, rate or limit; a request that one of them lacks, or has twice, or has with another class,
// model, shape or arrival. Other differences (policy, parameters, seed, ...) become warnings.
// Also if there is a limit on step errors, which cannot be had without tasks.csv and the trace.
Comparison compare(const std::filesystem::path& first, const std::filesystem::path& second,
                   const CompareOptions& options);

}  // namespace regroup::tools
