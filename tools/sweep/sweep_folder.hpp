// The folder of a sweep: what it runs, what is done, and what came of it.
//
//   spec.json     the specification, as it was given
//   inputs.json   a fingerprint of every file that it names
//   runs/         records of the runs that are done (run_records.hpp)
//   cells.csv ... the results, once all are (merge.hpp)
#pragma once

#include <filesystem>
#include <string>

#include "tools/sweep/sweep_spec.hpp"

namespace regroup::tools {

// Starts a sweep in `folder`, or goes on with the one that is there; several processes may at once.
// Throws ConfigError, naming what changed, if that one is of another specification or of files with
// other contents; SystemError where the machine refuses.
SweepSpec open_sweep(const std::filesystem::path& folder, const std::filesystem::path& spec_file);

// The specification of a sweep that was started. ConfigError: none was.
SweepSpec read_sweep(const std::filesystem::path& folder);

std::filesystem::path runs_folder(const std::filesystem::path& folder);

}  // namespace regroup::tools
