// How the duration of a step varies around what the cost model says.
#pragma once

#include <algorithm>

#include "core/random.hpp"
#include "regroup/policy/task.hpp"

namespace regroup {

// `spread` is the standard deviation relative to the mean (TetriServe, arXiv 2510.01565, measures
// below 0.007). The k-th step of a request's stage takes the same factor whoever runs it: common
// random numbers across policies and backends.
struct Jitter {
  double spread = 0;  // 0: none
  std::uint64_t seed = 0;

  Duration step(Duration mean, RequestId request, std::uint8_t stage, int index) const {
    if (spread == 0) return mean;
    const double z = normal_at(seed, request.value << 8 | stage, static_cast<std::uint64_t>(index));
    return from_seconds(to_seconds(mean) * std::max(1 + spread * z, 0.1));
  }
};

}  // namespace regroup
