// How times, groups and layouts are written in results. The same everywhere, whatever the locale.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

#include "regroup/policy/types.hpp"

namespace regroup {

// Seconds with nine digits after the point: exactly the nanoseconds of the timeline.
std::string exact_seconds(Duration time);
std::string exact_seconds(TimePoint time);  // empty for kNever

// The same at the end of a text. Made for what is written of every run: no string, no locale, no
// format to be read.
void append_seconds(std::string& text, Duration time);
void append_seconds(std::string& text, TimePoint time);

template <std::integral Number>
void append_number(std::string& text, Number number) {
  char digits[20];  // of the longest: -9223372036854775808
  text.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

// As to_seconds, but the nearest double there is: 3 s is 3, not 3.0000000000000004.
double nearest_seconds(Duration time);

// A field of a CSV file by RFC 4180: quoted if it holds a comma, a quote or a line break.
std::string csv_field(std::string_view text);

std::string_view text_of(StageKind kind);  // "encode", "denoise", "decode", "other"
std::string text_of(Layout layout);  // "cfg1.u4.r1"; with ".tp2" if there is tensor parallelism
std::string text_of(const Group& group);  // "0 1 2 3"
std::string text_of(Shape shape);         // "1024x1024"; with "x81" if there are more frames than 1
void append(std::string& text, Layout layout);
void append(std::string& text, const Group& group, char between = ' ');
void append(std::string& text, Shape shape);

}  // namespace regroup
