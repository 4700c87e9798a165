// How measurements are summed up.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace regroup::cuda {

// The value below which this share of the samples lies; nearest rank. 0 of none.
inline double quantile(std::vector<double> samples, double share) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  const double rank = std::ceil(share * static_cast<double>(samples.size()));
  return samples[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

}  // namespace regroup::cuda
