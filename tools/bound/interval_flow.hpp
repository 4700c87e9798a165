// How many of the requests that share a cluster fit into it, each within a window of its own.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "regroup/policy/types.hpp"

namespace regroup::tools {

// A number of GPUs, from one instant to another.
struct GpuRate {
  TimePoint from{};
  TimePoint to{};
  double gpus = 0;
};

// So much GPU time within its window, never faster than the rate at each instant of it.
struct Demand {
  Duration gpu_time{};
  std::vector<GpuRate> rates;  // one after another, without gaps: together they are the window
};

// What is the most of the demands that can be met, where part of one counts as that part.
struct Fit {
  double fractional = 0;      // the sum of the parts, at least the exact value
  std::int64_t whole = 0;     // how many can be met as a whole, at most
  std::size_t intervals = 0;  // between arrivals and deadlines; of all independent parts
  std::size_t flows = 0;      // max-flows that were computed
  bool all = true;            // everything fits; `fractional` and `whole` are the number of demands
};

// `supply`: the GPUs there are, without gaps, from before the first window to after the last.
//
// The sets of GPU times that can be served at once are those that a network can route from the
// demands through the intervals: a polymatroid. A linear function of them, here the sum of served
// over demanded, is largest over a polymatroid by the greedy rule (Edmonds 1970): the smallest
// demand first, each as much as is possible beside those before. So the answer is exact but for
// rounding, which is always up: close sizes count as equal, and neighbouring intervals as one where
// there are very many of them. Proof: docs/bound.md.
Fit most_that_fit(std::vector<Demand> demands, std::span<const GpuRate> supply);

}  // namespace regroup::tools
