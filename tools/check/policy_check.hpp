// A policy author's test kit.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace regroup::tools {

struct CheckResult {
  std::string check;      // "repeats: overload, 8xH100"
  std::string problem;    // what was found; empty: passed
  std::string reproduce;  // the command that shows it again, on the traces of write_check_traces()
};

// Runs the policy over small workloads on modelled clusters (check_cases.hpp) and checks that it
// keeps its contract:
//   rules      no decision breaks a rule
//   stalls     it places something whenever else nothing could happen any more, and does not have
//              itself woken for ever (10,000 times in a row with nothing else happening)
//   conserves  requests, steps and GPU time are neither lost nor invented (core/conservation.hpp)
//   starves    where calm follows an overload, every request of the overload has ended when the
//              calm does: whoever may wait while others come has no reason to wait on
//   repeats    the same run twice gives the same decisions
//   replays    given a recorded run's events, it decides as it did
//   shifts     if all arrivals, deadlines and failures are a day later, so are the decisions, and
//              nothing else of them changes
// A case that fails one of the first three ends there; one that does not repeat is neither replayed
// nor shifted.
//
// Throws ConfigError if the policy cannot be loaded or refuses its parameters.
std::vector<CheckResult> check_policy(const std::string& policy,
                                      const std::map<std::string, std::string>& params);

}  // namespace regroup::tools
