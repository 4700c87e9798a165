// One row of a trace, before its model and shape are looked up in a catalog.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "regroup/policy/types.hpp"

namespace regroup::traces {

struct Record {
  std::string id{};  // the trace's own; not checked to be unique (that would need memory per row)
  TimePoint arrival{};
  std::string model{};  // as a model card names it
  Shape shape{};
  int steps = 1;
  double guidance = 1;  // classifier-free guidance scale; at most 1: off
  std::string request_class{};
  int priority = 0;                     // larger is more important
  std::optional<TimePoint> deadline{};  // as the trace gives it
  std::uint64_t line = 0;               // for messages: see Reader::where

  friend bool operator==(const Record&, const Record&) = default;
};

// "1024x1024" for an image, "832x480x81" for a video: the class of a request where a trace names
// none, and the name of a shape in statistics and messages.
std::string shape_name(Shape shape);

}  // namespace regroup::traces
