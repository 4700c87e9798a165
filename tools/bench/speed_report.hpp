// The results of `regroup bench` as files and as text.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/bench/speed.hpp"

namespace regroup::tools {

// How the time of an event grows with one thing, all else being the same.
struct GrowthCurve {
  std::string title;  // "GPUs"
  std::string policy;
  struct Point {
    double x = 0;
    double ns_per_event = 0;
  };
  std::vector<Point> points;
};

// {"format", "version", "rows": [...]}, one object a row.
std::string speed_json(std::span<const SpeedRow> rows);
// growth,policy,x,ns_per_event
std::string growth_csv(std::span<const GrowthCurve> curves);
// A panel for each title, a line for each policy; both axes logarithmic.
std::string growth_svg(std::span<const GrowthCurve> curves);
// A table for people.
std::string speed_text(std::span<const SpeedRow> rows);

}  // namespace regroup::tools
