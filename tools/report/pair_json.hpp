// Two runs of the same requests, for the page that shows both.
#pragma once

#include <filesystem>
#include <string>

#include "tools/compare/rerun.hpp"

namespace regroup::tools {

struct PairJson {
  std::string text;      // a JSON object: {"why_not": ...} where the runs cannot be paired
  bool swapped = false;  // the second folder is the simulated one, and stands first in the text
};

// What `regroup compare` finds, without the paths of the folders. Where the gap comes from is
// looked into if one run was simulated and the other measured: between two policies it would mean
// nothing.
PairJson pair_json(const std::filesystem::path& first, const std::filesystem::path& second,
                   const RerunHints& hints);

}  // namespace regroup::tools
