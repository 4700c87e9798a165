// The workloads of `regroup policy check`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/experiment.hpp"

namespace regroup::tools {

struct CheckCase {
  std::string name;  // "overload, 8xH100"
  std::string file;  // "overload.csv", see write_check_traces()
  std::string cluster;
  std::string slo = "tetriserve=1.2";
  std::vector<traces::Record> requests;
  std::vector<sim::Failure> failures;
  // Overload, then calm: how many requests belong to the overload. Otherwise 0.
  std::size_t overload = 0;
};

// Light load, overload, overload and then a tenth of what the cluster can do, two nodes, and GPUs
// that break and are repaired. FLUX.1-dev in TetriServe's mix and with its deadlines; in the third
// Qwen-Image in GF-DiT's classes S, M, L.
std::vector<CheckCase> check_cases();

// The same with all times that much later.
CheckCase later(CheckCase each, Duration by);

// A run of the case; `policy` and `params` as in Experiment.
Experiment experiment_of(const CheckCase& each, const std::string& policy,
                         const std::map<std::string, std::string>& params);
// The same as a command, to be run where the traces lie.
std::string command_of(const CheckCase& each, const std::string& policy,
                       const std::map<std::string, std::string>& params);

// Writes the trace of every case, and of the case a day later, into the folder; it is made if there
// is none. SystemError where the machine refuses.
void write_check_traces(const std::filesystem::path& folder);

// By which later() shifts a case for the check: whole days, so that rounds of any usual length
// begin at the same instants.
inline constexpr Duration kOneDay = std::chrono::hours(24);

}  // namespace regroup::tools
