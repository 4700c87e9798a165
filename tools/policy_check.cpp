#include "tools/policy_check.hpp"

#include <fmt/format.h>

#include <functional>
#include <sstream>

#include "core/errors.hpp"
#include "tools/experiment.hpp"
#include "traces/generate.hpp"

namespace regroup::tools {
namespace {

struct Case {
  std::string name;
  std::string cluster;
  double per_minute;
  std::vector<sim::Failure> failures;
};

// Light, overloaded, more than one node, and with broken GPUs.
std::vector<Case> cases() {
  using std::chrono::seconds;
  const auto at = [](int s) { return TimePoint(seconds(s)); };
  return {{"light load, 8xH100", "8xH100", 6, {}},
          {"overload, 8xH100", "8xH100", 60, {}},
          {"two nodes, 2x8xH100", "2x8xH100", 40, {}},
          {"failures, 8xH100",
           "8xH100",
           12,
           {{.gpu = {0}, .at = at(30), .repaired = at(90)},
            {.gpu = {3}, .at = at(60), .repaired = at(61)},
            {.gpu = {5}, .at = at(61), .repaired = at(300)}}}};
}

Experiment experiment_of(const Case& each, const std::string& policy,
                         const std::map<std::string, std::string>& params) {
  Experiment e;
  e.cluster = each.cluster;
  e.policy = policy;
  e.params = params;
  e.slo = "tetriserve=1.2";
  e.failures = each.failures;
  e.workload = [per_minute = each.per_minute] {
    traces::ArrivalOptions options = traces::tetriserve_workload(false);
    options.per_minute = per_minute;
    options.count = 80;
    return traces::generate(options);
  };
  return e;
}

// Where two journals part, as text.
std::string first_difference(const std::string& a, const std::string& b) {
  std::istringstream left(a), right(b);
  std::string x, y;
  for (int line = 1;; ++line) {
    const bool more = static_cast<bool>(std::getline(left, x));
    if (!std::getline(right, y) || !more || x != y)
      return fmt::format("the second run differs at line {} of the journal: '{}' and '{}'", line, x,
                         y);
  }
}

// The problem that `attempt` runs into, or what it says itself.
CheckResult checked(std::string name, const std::function<std::string()>& attempt) {
  try {
    return {std::move(name), attempt()};
  } catch (const PolicyError& error) {
    return {std::move(name), error.what()};
  } catch (const CheckFailed& error) {
    return {std::move(name), error.what()};
  } catch (const InternalError& error) {
    return {std::move(name), error.what()};
  }
}

}  // namespace

std::vector<CheckResult> check_policy(const std::string& policy,
                                      const std::map<std::string, std::string>& params) {
  std::vector<CheckResult> results;
  for (const Case& each : cases()) {
    const Experiment base = experiment_of(each, policy, params);
    std::string first;
    results.push_back(checked("runs: " + each.name, [&] {
      Experiment e = base;
      e.journal_text = &first;
      const Summary summary = run(e).summary;
      if (summary.unfinished == 0) return std::string();
      return fmt::format("{} requests never ended", summary.unfinished);
    }));
    if (!results.back().problem.empty()) continue;
    results.push_back(checked("repeats: " + each.name, [&] {
      std::string second;
      Experiment e = base;
      e.journal_text = &second;
      run(e);
      return first == second ? std::string() : first_difference(first, second);
    }));
    results.push_back(checked("replays: " + each.name, [&] {
      std::istringstream recording(first);
      Experiment e = base;
      e.recording = &recording;
      run(e);
      return std::string();
    }));
  }
  return results;
}

}  // namespace regroup::tools
