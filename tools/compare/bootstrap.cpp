#include "tools/compare/bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/metrics.hpp"
#include "core/random.hpp"

namespace regroup::tools {

Interval bootstrap_mean(std::span<const double> values, std::string_view stream, int resamples) {
  if (values.empty()) return {std::nan(""), std::nan(""), std::nan("")};
  const auto count = static_cast<double>(values.size());
  RandomStream random(0, stream);
  std::vector<double> means(static_cast<std::size_t>(resamples));
  for (double& mean : means) {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) sum += values[random.below(values.size())];
    mean = sum / count;
  }
  std::ranges::sort(means);
  return {.mean = std::accumulate(values.begin(), values.end(), 0.0) / count,
          .low = percentile(means, 0.025),
          .high = percentile(means, 0.975)};
}

}  // namespace regroup::tools
