// Means of few values, with what is known of them.
#pragma once

#include <limits>
#include <span>

namespace regroup::tools {

struct Estimate {
  double mean = 0;
  double half_width = 0;  // of the 95 % interval; NaN for a single value
  // What the quantity cannot be below or above, a share or a latency; the interval ends there.
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();

  // NaN for a single value.
  double low() const { return mean - half_width < least ? least : mean - half_width; }
  double high() const { return mean + half_width > most ? most : mean + half_width; }
  Estimate within(double lowest, double highest) const {
    return {mean, half_width, lowest, highest};
  }
  // Whether the interval holds zero. A single value: whether it is zero.
  bool may_be_zero() const;
};

// Student's t interval ("The probable error of a mean", Biometrika 1908) for values that are
// independent and about normal. For differences within pairs it is the paired test. All NaN without
// values.
Estimate student_mean(std::span<const double> values);

}  // namespace regroup::tools
