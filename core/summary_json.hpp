// summary.json and provenance.json as text.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/metrics.hpp"

namespace regroup {

// What the caller wants to have written beside the numbers: keys, each given once, with their
// values, in the order in which they are to be written.
using ConfigBlock = std::vector<std::pair<std::string, std::string>>;

// {"format": "regroup-summary", "version": 1, "config": {...}, ...}: the fields of Summary under
// their own names. A number that does not exist (the latency of no request) is null. Doubles have
// the fewest digits that read back as the same number. Depends on nothing but its arguments.
std::string summary_json(const Summary& summary, const ConfigBlock& config);

// {"format": "regroup-provenance", "version": 1, ...}: all that differs from one time and machine
// to the next. Kept apart so that every other file of a run is the same, byte for byte.
std::string provenance_json(const ConfigBlock& facts);

}  // namespace regroup
