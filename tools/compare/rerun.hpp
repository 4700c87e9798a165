// A run's description, put together again from the folder it left behind.
#pragma once

#include <string>
#include <vector>

#include "tools/experiment.hpp"
#include "tools/result_folder.hpp"

namespace regroup::tools {

// What a folder does not say, or only as a name without its path. Empty: as the folder has it.
struct RerunHints {
  std::string trace, cluster, policy, model;
  std::vector<std::filesystem::path> calibrations;
  std::vector<sim::Failure> failures;
  bool check_memory = true;
};

// The run of `folder` again, simulated, without output. Its requests are those of the trace with
// the arrivals, steps and deadlines that they had: a deadline that a rule drew from the cost model
// stays what it was when the costs change. Throws ConfigError for a trace that cannot be read or
// lacks a request, for a value of `config` that means nothing, and for calibrations of which only
// the names are known.
struct Rerun {
  Experiment experiment;
  std::vector<traces::Record> requests;  // by arrival; what experiment.workload gives
};
Rerun rerun_of(const ResultFolder& folder, const RerunHints& hints);

}  // namespace regroup::tools
