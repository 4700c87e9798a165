#include "runtime/serve/fault.hpp"

#include <array>
#include <charconv>

#include "core/errors.hpp"

namespace regroup::serve {

Fault parse_fault(const std::string& text) {
  static constexpr std::array<std::string_view, 4> kKinds = {"kill", "delay", "swap", "corrupt"};
  const auto bad = [&] {
    fail<ConfigError>(
        "fault '{}': expected kill:RANK@SECONDS, swap:RANK@SECONDS, corrupt:RANK@SECONDS or "
        "delay:RANK@SECONDS:SECONDS",
        text);
  };
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) bad();
  const auto kind = std::find(kKinds.begin(), kKinds.end(), text.substr(0, colon));
  if (kind == kKinds.end()) bad();
  const char* at = text.data() + colon + 1;
  const char* const end = text.data() + text.size();
  const auto number = [&](auto value) {
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || value < 0) bad();
    at = next;
    return value;
  };
  Fault fault;
  fault.kind = static_cast<Fault::Kind>(kind - kKinds.begin());
  fault.rank = number(0);
  if (at == end || *at++ != '@') bad();
  fault.at = TimePoint(from_seconds(number(0.0)));
  if (fault.kind == Fault::Kind::kDelay) {
    if (at == end || *at++ != ':') bad();
    fault.delay = from_seconds(number(0.0));
  }
  if (at != end) bad();
  return fault;
}

}  // namespace regroup::serve
