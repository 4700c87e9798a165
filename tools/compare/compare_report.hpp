// A comparison as text.
#pragma once

#include <string>

#include "tools/compare/comparison.hpp"
#include "tools/table.hpp"

namespace regroup::tools {

// For people, and as CSV. Of the cells only those that matter most are listed. Depends on its
// arguments alone. Not as JSON.
std::string compare_report(const Comparison& comparison, TableFormat format);

// For programs: {"format": "regroup-comparison", "version": 1, ...}, everything, times in seconds,
// rates and errors as shares. A number that does not exist is null; a part that does not, {"why":
// ...}.
std::string compare_json(const Comparison& comparison);

}  // namespace regroup::tools
