#include "tools/bench/student.hpp"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

namespace regroup::tools {

bool Estimate::may_be_zero() const {
  return std::isnan(half_width) ? mean == 0 : low() <= 0 && 0 <= high();
}

Estimate student_mean(std::span<const double> values) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (values.empty()) return {kNone, kNone};
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  if (values.size() == 1) return {mean, kNone};
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double error = std::sqrt(squares / (count - 1) / count);
  const boost::math::students_t distribution(count - 1);
  return {mean, boost::math::quantile(distribution, 0.975) * error};
}

}  // namespace regroup::tools
