// A policy author's test kit.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace regroup::tools {

struct CheckResult {
  std::string check;
  std::string problem;  // empty: passed
};

// Runs the policy over small workloads on modelled clusters and checks that it keeps its contract:
//   runs       places every request, breaks no rule, stalls nowhere; requests, steps and GPU time
//              are conserved
//   repeats    the same run twice gives the same decisions
//   replays    given a recorded run's events, it decides as it did
// at light load, in overload, on two nodes, and while GPUs break and are repaired.
// Throws ConfigError if the policy cannot be loaded or refuses its parameters.
std::vector<CheckResult> check_policy(const std::string& policy,
                                      const std::map<std::string, std::string>& params);

}  // namespace regroup::tools
