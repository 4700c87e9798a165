// report.html: what came of runs or of a sweep, as a page that people open first.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/compare/rerun.hpp"
#include "tools/report/sweep_json.hpp"

namespace regroup::tools {

struct ReportOptions {
  // What the folders do not say of the runs. Without the trace a page says less; that is no error.
  RerunHints hints;
  SweepPageOptions sweep;
};

// Of one run, of several, which it then compares, or of one sweep. Equal folders give equal pages.
// Throws ConfigError for a folder that holds neither.
std::string report(const std::vector<std::filesystem::path>& folders, const ReportOptions& options);

// FOLDER/report.html of a run. SystemError where the machine refuses.
void write_run_report(const std::filesystem::path& folder, const RerunHints& hints);
// If there is one, of an earlier run.
void remove_run_report(const std::filesystem::path& folder);

}  // namespace regroup::tools
