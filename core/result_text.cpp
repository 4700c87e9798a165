#include "core/result_text.hpp"

#include <fmt/format.h>

namespace regroup {

std::string exact_seconds(Duration time) {
  constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
  const bool negative = time < Duration::zero();
  const auto bits = static_cast<std::uint64_t>(time.count());
  const std::uint64_t size = negative ? -bits : bits;
  return fmt::format("{}{}.{:09}", negative ? "-" : "", size / kNanosecondsPerSecond,
                     size % kNanosecondsPerSecond);
}

std::string exact_seconds(TimePoint time) {
  return time == kNever ? std::string() : exact_seconds(time.time_since_epoch());
}

double nearest_seconds(Duration time) { return static_cast<double>(time.count()) / 1e9; }

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string_view text_of(StageKind kind) {
  switch (kind) {
    case StageKind::kEncode:
      return "encode";
    case StageKind::kDenoise:
      return "denoise";
    case StageKind::kDecode:
      return "decode";
    case StageKind::kOther:
      break;
  }
  return "other";
}

std::string text_of(Layout layout) {
  std::string text = fmt::format("cfg{}.u{}.r{}", layout.cfg, layout.ulysses, layout.ring);
  if (layout.tp != 1) text += fmt::format(".tp{}", layout.tp);
  return text;
}

std::string text_of(const Group& group) {
  std::string text;
  for (const GpuId gpu : group) text += fmt::format("{}{}", text.empty() ? "" : " ", gpu.value);
  return text;
}

std::string text_of(Shape shape) {
  std::string text = fmt::format("{}x{}", shape.width, shape.height);
  if (shape.frames != 1) text += fmt::format("x{}", shape.frames);
  return text;
}

}  // namespace regroup
