// What --param sets.
#pragma once

#include <stdexcept>
#include <string>

#include "regroup/policy/params.hpp"

namespace regroup::elastic {

enum class Objective { kViolations, kLatency, kThroughput, kFairness };

inline Objective objective_of(const std::string& name) {
  if (name == "violations") return Objective::kViolations;
  if (name == "latency") return Objective::kLatency;
  if (name == "throughput") return Objective::kThroughput;
  if (name == "fairness") return Objective::kFairness;
  throw std::invalid_argument("objective '" + name +
                              "': allowed are violations, latency, throughput, fairness");
}

struct Settings {
  explicit Settings(const Params& params)
      : objective(objective_of(params.get(
            "objective", "violations",
            "what to make best: violations (fewest late), latency (lowest mean), throughput (most "
            "done a second), fairness (smallest largest slowdown)"))),
        reject(params.get("reject", false,
                          "give up requests that are late whatever is done; they count as "
                          "violations")),
        reserve(params.get("reserve", 0.05,
                           "share of the cluster that triage keeps for what is not known yet")),
        margin(params.get("margin", 0.01, "share by which predictions are taken to be short")),
        starvation(params.get("starvation", 10.0,
                              "a request has waited too long after this many times its own "
                              "length")),
        ageing(params.get("ageing", 0.02,
                          "share of the cluster for requests that have waited too long")) {
    if (!(reserve >= 0 && reserve < 1)) throw std::invalid_argument("reserve: from 0 to below 1");
    if (!(margin >= 0)) throw std::invalid_argument("margin: at least 0");
    if (!(starvation > 0)) throw std::invalid_argument("starvation: more than 0");
    if (!(ageing > 0 && ageing <= 1)) throw std::invalid_argument("ageing: more than 0, at most 1");
  }

  Objective objective;
  bool reject;
  double reserve;
  double margin;
  double starvation;
  double ageing;
};

}  // namespace regroup::elastic
