// Intervals for means, by resampling.
#pragma once

#include <span>
#include <string_view>

namespace regroup::tools {

// A mean and where 95 % of its resamples lie.
struct Interval {
  double mean = 0;
  double low = 0, high = 0;
};

// The percentile bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter
// 13) of the mean of `values`: `resamples` draws with replacement of as many values as there are.
// For values that are differences within pairs it is the paired bootstrap. The draws come from a
// stream of their own, named `stream`, so the result depends on the arguments alone. All NaN
// without values.
Interval bootstrap_mean(std::span<const double> values, std::string_view stream,
                        int resamples = 2000);

}  // namespace regroup::tools
