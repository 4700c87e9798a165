// What a comparison must keep to.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace regroup::tools {

// How far measured and simulated may be apart. Absent: anything goes.
struct Limits {
  std::optional<double> slo_gap;        // of the violation rate, absolute, over all requests
  std::optional<double> class_slo_gap;  // the same, for each class
  std::optional<double> latency_gap;    // of mean and P95, |measured / simulated - 1|
  std::optional<double> step_error;  // of denoising: each cell's mean, |measured / predicted - 1|

  bool any() const { return slo_gap || class_slo_gap || latency_gap || step_error; }
};
// What stands if no limit is given.
inline constexpr double kDefaultSloGap = 0.02;

// One limit, checked. `value` is NaN where there was nothing to compare on one side: not kept.
struct Gate {
  std::string name;     // "max-slo-gap"
  std::string subject;  // "all requests", "class 1024x1024", "P95 latency"
  double value = 0;     // the largest that was found
  double allowed = 0;

  // A gap of exactly the limit is allowed, however its last bit was rounded.
  bool kept() const { return value <= allowed + 1e-12; }
  std::string text() const;  // "max-slo-gap, all requests: 0.0300, at most 0.0200 allowed"
};

// JUnit's XML: one test case for each gate.
std::string junit(const std::vector<Gate>& gates);

// Throws CheckFailed, with the text of every gate that was not kept.
void check(const std::vector<Gate>& gates);

}  // namespace regroup::tools
