#include "core/result_text.hpp"

namespace regroup {

void append_seconds(std::string& text, Duration time) {
  constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
  const bool negative = time < Duration::zero();
  const auto bits = static_cast<std::uint64_t>(time.count());
  const std::uint64_t size = negative ? -bits : bits;
  if (negative) text += '-';
  append_number(text, size / kNanosecondsPerSecond);
  // The 1 in front keeps the zeros that the fraction begins with, and gives its place to the point.
  const std::size_t point = text.size();
  append_number(text, kNanosecondsPerSecond + size % kNanosecondsPerSecond);
  text[point] = '.';
}

void append_seconds(std::string& text, TimePoint time) {
  if (time != kNever) append_seconds(text, time.time_since_epoch());
}

std::string exact_seconds(Duration time) {
  std::string text;
  append_seconds(text, time);
  return text;
}

std::string exact_seconds(TimePoint time) {
  std::string text;
  append_seconds(text, time);
  return text;
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

void append(std::string& text, Layout layout) {
  text += "cfg";
  append_number(text, layout.cfg);
  text += ".u";
  append_number(text, layout.ulysses);
  text += ".r";
  append_number(text, layout.ring);
  if (layout.tp == 1) return;
  text += ".tp";
  append_number(text, layout.tp);
}

void append(std::string& text, const Group& group, char between) {
  for (std::size_t rank = 0; rank < group.size(); ++rank) {
    if (rank > 0) text += between;
    append_number(text, group[rank].value);
  }
}

void append(std::string& text, Shape shape) {
  append_number(text, shape.width);
  text += 'x';
  append_number(text, shape.height);
  if (shape.frames == 1) return;
  text += 'x';
  append_number(text, shape.frames);
}

std::string text_of(Layout layout) {
  std::string text;
  append(text, layout);
  return text;
}

std::string text_of(const Group& group) {
  std::string text;
  append(text, group);
  return text;
}

std::string text_of(Shape shape) {
  std::string text;
  append(text, shape);
  return text;
}

}  // namespace regroup
