#include "tools/compare/gates.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/errors.hpp"

namespace regroup::tools {
namespace {

// Names come from traces. XML 1.0 has no way to write control characters.
std::string escaped(const std::string& text) {
  std::string xml;
  for (const char c : text) {
    switch (c) {
      case '<':
        xml += "&lt;";
        break;
      case '>':
        xml += "&gt;";
        break;
      case '&':
        xml += "&amp;";
        break;
      case '"':
        xml += "&quot;";
        break;
      default:
        xml += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
  return xml;
}

}  // namespace

std::string Gate::text() const {
  return fmt::format("{}, {}: {:.4f}, at most {:.4f} allowed", name, subject, value, allowed);
}

std::string junit(const std::vector<Gate>& gates) {
  std::string cases;
  for (const Gate& gate : gates) {
    cases += fmt::format("  <testcase classname=\"regroup.compare\" name=\"{}\"",
                         escaped(gate.name + ", " + gate.subject));
    if (gate.kept())
      cases += "/>\n";
    else
      cases +=
          fmt::format(">\n    <failure message=\"{}\"/>\n  </testcase>\n", escaped(gate.text()));
  }
  const auto failures = std::ranges::count_if(gates, [](const Gate& g) { return !g.kept(); });
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"regroup compare\" tests=\"{}\" failures=\"{}\" errors=\"0\">\n"
      "{}</testsuite>\n",
      gates.size(), failures, cases);
}

void check(const std::vector<Gate>& gates) {
  std::string failures;
  for (const Gate& gate : gates)
    if (!gate.kept()) failures += (failures.empty() ? "" : "; ") + gate.text();
  if (!failures.empty()) fail<CheckFailed>("{}", failures);
}

}  // namespace regroup::tools
