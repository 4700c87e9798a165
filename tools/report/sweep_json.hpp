// A sweep for its page: what its folder says, and what no schedule can beat.
#pragma once

#include <filesystem>
#include <string>

#include "tools/progress.hpp"

namespace regroup::tools {

struct SweepPageOptions {
  bool bound = true;  // computed from the workloads, once for each point
  // Told how many points of the bound are done; may be empty. One call at a time.
  Progress progress;
};

bool is_sweep(const std::filesystem::path& folder);

// A JSON object; tools/report/page/sweep.js says what is in it. Throws ConfigError or CheckFailed
// for a sweep that is not complete.
std::string sweep_page_json(const std::filesystem::path& folder, const SweepPageOptions& options);

}  // namespace regroup::tools
