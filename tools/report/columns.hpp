// Columns of numbers as short text, for a page that holds many of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace regroup::tools {

// Each value less the one before it (the first: less 0), folded to unsigned (0, -1, 1, -2, ... are
// 0, 1, 2, 3, ...), in groups of seven bits from the lowest, the eighth set where another follows
// (LEB128), all that in base64. tools/report/page/columns.js reads it.
std::string packed(std::span<const std::int64_t> values);

std::string base64(std::string_view bytes);

}  // namespace regroup::tools
