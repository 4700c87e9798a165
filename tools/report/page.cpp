#include "tools/report/page.hpp"

#include <string_view>

#include "core/errors.hpp"
#include "tools/report/page_text.hpp"

namespace regroup::tools {
namespace {

// Inside <script> only "</script" and "<!--" end or change what follows; in JSON '<' occurs in
// strings alone, where it has another spelling.
std::string without_markup(std::string_view json) {
  std::string text;
  text.reserve(json.size());
  for (const char c : json) {
    if (c == '<')
      text += "\\u003c";
    else
      text += c;
  }
  return text;
}

std::string escaped(std::string_view plain) {
  std::string text;
  for (const char c : plain) {
    if (c == '<')
      text += "&lt;";
    else if (c == '&')
      text += "&amp;";
    else
      text += c;
  }
  return text;
}

}  // namespace

std::string report_page(const std::string& title, const std::string& data) {
  constexpr std::string_view kTitle = "@TITLE@", kData = "@DATA@";
  const std::string_view page = page_text();
  const std::size_t title_at = page.find(kTitle);
  const std::size_t data_at = page.find(kData);
  RG_CHECK(title_at < data_at && data_at < page.size(), "the page has no place for its {}", "data");
  std::string text(page.substr(0, title_at));
  text += escaped(title);
  text += page.substr(title_at + kTitle.size(), data_at - title_at - kTitle.size());
  text += without_markup(data);
  text += page.substr(data_at + kData.size());
  return text;
}

}  // namespace regroup::tools
