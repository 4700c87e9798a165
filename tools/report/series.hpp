// How a run went over time: the queue and the GPUs.
#pragma once

#include <cstddef>
#include <vector>

#include "tools/report/run_facts.hpp"

namespace regroup::tools {

// Intervals of equal length from the first arrival to the last end.
struct Series {
  double step_s = 0;
  std::vector<double> waiting;       // requests that are here and not running, mean over time
  std::vector<double> most_waiting;  // the most at any instant
  std::vector<double> utilisation;   // share of GPU time, 0 to 1
};

// Empty for a run without requests.
Series series_of(const RunFacts& facts, std::size_t intervals);

}  // namespace regroup::tools
