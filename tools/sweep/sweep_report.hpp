// How the results of a sweep are written.
#pragma once

#include <filesystem>
#include <string>

#include "tools/sweep/sweep_results.hpp"

namespace regroup::tools {

// In all files rates are shares of 1, a number that does not exist is empty (null), and NAME_low
// and NAME_high are the ends of the 95 % interval over seeds. Every policy parameter has a column
// param_KEY. Equal results give equal bytes.

// One line a run.
std::string cells_csv(const SweepSpec& spec, const SweepResults& results);
// One line a setting; with a baseline also NAME_minus_baseline, paired by seed.
std::string summary_csv(const SweepSpec& spec, const SweepResults& results);
// One line a search: where it ended, how sure that is, and what it costs there.
std::string capacity_csv(const SweepSpec& spec, const SweepResults& results);
// The specification and the results in one document, "format": "regroup-sweep-results".
std::string sweep_json(const SweepSpec& spec, const SweepResults& results,
                       const std::string& spec_text);
// For a terminal.
std::string sweep_text(const SweepSpec& spec, const SweepResults& results);

}  // namespace regroup::tools
