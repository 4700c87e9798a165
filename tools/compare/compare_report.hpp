// A comparison as text.
#pragma once

#include <string>

#include "tools/compare/comparison.hpp"

namespace regroup::tools {

enum class ReportFormat { kText, kMarkdown };

// For people. Of the cells only those that matter most are listed. Depends on its argument alone.
std::string compare_report(const Comparison& comparison, ReportFormat format);

// For programs: {"format": "regroup-comparison", "version": 1, ...}, everything, times in seconds,
// rates and errors as shares. A number that does not exist is null; a part that does not, {"why":
// ...}.
std::string compare_json(const Comparison& comparison);

}  // namespace regroup::tools
