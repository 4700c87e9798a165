// What `regroup sweep` is asked to run, as one JSON file says it. `regroup sweep --help` has its
// keys.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tools/bench/policy_matrix.hpp"
#include "tools/sweep/capacity.hpp"
#include "tools/sweep/sweep_workload.hpp"

namespace regroup::tools {

// "format": "regroup-sweep". Names and values within a list are different from one another.
struct SweepSpec {
  // What a capacity search varies.
  enum class Axis { kRate, kGpus, kSloScale };
  struct Search : CapacitySearch {
    Axis axis = Axis::kRate;
  };

  std::vector<PolicyForm> policies;
  std::vector<std::string> policy_names;  // "fcfs degree=4": what tables call them
  std::vector<SweepWorkload> workloads;
  std::vector<std::string> clusters;  // kGpus: '*' stands for the number that is searched
  std::vector<double> slo_scales = {1};
  std::vector<double> loads = {1};
  int seeds = 1;                        // 0 to seeds - 1; with a search: Search::max_seeds
  std::optional<std::size_t> baseline;  // a policy that others are compared with, seed by seed
  std::optional<Search> search;
  Experiment base;                           // costs and failures of every run
  std::vector<std::filesystem::path> files;  // that it names; their contents are part of it
};

// `text` is what the file holds. Relative paths in it are those from the file's folder; a word
// without a point or a slash (8xH100, elastic, gfdit) is a name. Throws ConfigError naming file and
// key, and what is allowed there.
SweepSpec parse_sweep_spec(const std::string& text, const std::filesystem::path& file);

}  // namespace regroup::tools
