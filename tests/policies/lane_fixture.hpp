// Runs a built-in policy over a list of requests, and shows what it started where.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "policies/builtin_policies.hpp"
#include "tests/support/loop_fixture.hpp"

namespace regroup::testing {

using PolicyParameters = std::map<std::string, std::string>;
using Lines = std::vector<std::string>;
using Times = std::vector<double>;

inline RunOutput run_policy(TestCatalog& catalog, std::vector<Request> requests, const char* name,
                            PolicyParameters params = {}, sim::SimOptions options = {}) {
  PolicyHandle policy(find_policy(name, kBuiltinPolicies), PolicyParams(std::move(params)));
  sim::SimBackend backend(catalog, std::move(options));
  return run_on(backend, catalog, std::move(requests), policy);
}

// "<ms> stage <stage> on <GPUs> x<steps>" of each launch, in order.
inline Lines launches(const RunOutput& output) {
  Lines lines;
  for (const std::string& line : output.diary.lines)
    if (const auto at = line.find(" launch run "); at != std::string::npos)
      lines.push_back(line.substr(0, at) + line.substr(line.find(" stage ")));
  return lines;
}

// In milliseconds, by request.
inline Times finished_by_request(const RunOutput& output) {
  std::map<unsigned, double> times;
  for (const std::string& line : output.diary.lines) {
    double at;
    unsigned request;
    if (std::sscanf(line.c_str(), "%lf request %u finished", &at, &request) == 2)
      times[request] = at;
  }
  Times in_order;
  for (const auto& [request, at] : times) in_order.push_back(at);
  return in_order;
}

// GPUs that fail together, and are repaired together.
inline sim::SimOptions failing(std::vector<std::uint32_t> gpus, int at_ms, int repaired_ms) {
  sim::SimOptions options;
  for (const std::uint32_t gpu : gpus)
    options.failures.push_back({.gpu = {gpu},
                                .at = TimePoint(std::chrono::milliseconds(at_ms)),
                                .repaired = TimePoint(std::chrono::milliseconds(repaired_ms))});
  return options;
}

}  // namespace regroup::testing
