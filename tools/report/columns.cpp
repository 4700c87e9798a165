#include "tools/report/columns.hpp"

namespace regroup::tools {

std::string packed(std::span<const std::int64_t> values) {
  std::string bytes;
  std::int64_t before = 0;
  for (const std::int64_t value : values) {
    const std::int64_t change = value - before;
    before = value;
    auto rest = static_cast<std::uint64_t>(change) << 1;
    if (change < 0) rest = ~rest;
    for (; rest >= 0x80; rest >>= 7) bytes += static_cast<char>(0x80 | (rest & 0x7f));
    bytes += static_cast<char>(rest);
  }
  return base64(bytes);
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) {
      return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
    };
    const unsigned three = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    for (unsigned digit = 0; digit < 4; ++digit) {
      const bool there = i + digit <= bytes.size();
      text += there ? kDigits[three >> (18 - 6 * digit) & 63] : '=';
    }
  }
  return text;
}

}  // namespace regroup::tools
