// The page with style, scripts and Chart.js in it; page.cmake puts it together at build time.
#pragma once

#include <string_view>

namespace regroup::tools {

std::string_view page_text();

}  // namespace regroup::tools
