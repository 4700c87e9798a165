// The page itself: one file that needs nothing else, made from tools/report/page at build time.
#pragma once

#include <string>

namespace regroup::tools {

// `data` is JSON, which page/main.js reads. Whatever its strings hold, it stays data.
std::string report_page(const std::string& title, const std::string& data);

}  // namespace regroup::tools
