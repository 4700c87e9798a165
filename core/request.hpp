// One image or video to make.
#pragma once

#include <string>

#include "regroup/policy/types.hpp"

namespace regroup {

struct Request {
  RequestId id{};     // 0, 1, ... in order of arrival
  std::string label;  // the trace's own id column
  TimePoint arrival{};
  ModelId model{};
  ShapeId shape_id{};
  Shape shape{};
  int steps = 0;
  double guidance = 0;  // classifier-free guidance scale; at most 1: off
  ClassId request_class{};
  int priority = 0;
  TimePoint deadline = kNever;
};

// Where requests come from, one at a time, by arrival: memory does not grow with the trace.
class RequestSource {
 public:
  virtual ~RequestSource() = default;
  // False at the end. Arrivals never go back; ids count from 0.
  virtual bool next(Request& request) = 0;
};

}  // namespace regroup
