// A time, and where it comes from.
#pragma once

#include <string>

namespace regroup::models {

struct Estimate {
  enum class Source { kAnalytic, kCalibrated, kQuadratic };

  double seconds = 0;
  Source source = Source::kAnalytic;
  bool scaled = false;   // the analytic form, scaled to the nearest measurement
  std::string citation;  // who published or measured it
};

}  // namespace regroup::models
