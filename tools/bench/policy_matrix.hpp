// Policies x published workloads x loads x seeds: what `regroup bench policies` runs, and what
// follows from it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tools/bench/student.hpp"
#include "tools/experiment.hpp"

namespace regroup::tools {

// A policy with parameters: one row of a table.
struct PolicyForm {
  std::string policy;  // a built-in name, or the path of a .so
  std::map<std::string, std::string> params;
};

// "fcfs:degree=8", "step-preempt:mode=pause:KEY=VALUE". Throws ConfigError for anything else.
PolicyForm parse_form(const std::string& text);

// Every built-in policy. One that asks for a parameter which stands for several published policies
// (degree 1, 2, 4, 8; mode pause, demote; priority 0, 1; round_ms 0, 1000) has one form for each of
// its values; degrees only up to `gpus_per_node`.
std::vector<PolicyForm> builtin_forms(int gpus_per_node);

struct MatrixOptions {
  std::vector<PolicyForm> policies;
  std::vector<std::string> workloads;  // names that published_workload() knows
  std::vector<double> loads;
  int seeds = 5;               // 0 to seeds - 1
  std::uint64_t requests = 0;  // a run; 0: as published
  int jobs = 1;                // threads; the results do not depend on it
  Experiment base;             // cluster and costs of every run
  // Told how many of how many runs are done, from any thread, one call at a time. May be empty.
  std::function<void(std::size_t done, std::size_t all)> progress;
};

// The numbers of one run that the tables are made of.
struct MatrixRun {
  std::int64_t requests = 0, finished = 0, rejected = 0, unfinished = 0, violations = 0;
  double violation_rate = 0;                     // of all requests
  double latency_mean_s = 0, latency_p95_s = 0;  // of the finished; NaN if there are none
};

// What one policy does at one workload and load, over the seeds.
struct MatrixEntry {
  std::int64_t requests = 0;  // of all seeds together
  Estimate violation_rate;
  Estimate latency_mean_s;
  double latency_p95_s = 0;  // mean over the seeds
  Estimate behind;           // its violation rate less that of the best policy, seed by seed
  Estimate above_bound;      // the same less the least that any schedule can reach
  bool best = false;         // the least mean violation rate, or `behind` may be zero
  bool slowest = false;      // no other has a higher mean latency, and one has a lower one
};

class Matrix {
 public:
  // `bounds`: one for each trace, by workload, load and seed (the least violation rate of any
  // schedule). `runs`: for each of these traces one of each policy.
  Matrix(MatrixOptions options, std::vector<double> bounds, std::vector<MatrixRun> runs);

  const MatrixOptions& options() const { return options_; }
  std::string policy_name(std::size_t policy) const;  // "fcfs degree=8"

  // Indices are positions in the lists of the options.
  const MatrixRun& run(std::size_t workload, std::size_t load, std::size_t policy, int seed) const;
  double bound(std::size_t workload, std::size_t load, int seed) const;
  // The violation rate that no schedule is below (attainment_bound.hpp), over the seeds.
  Estimate bound(std::size_t workload, std::size_t load) const;
  // One entry for each policy.
  std::vector<MatrixEntry> entries(std::size_t workload, std::size_t load) const;
  // The policy with the least mean violation rate; ties: the lower mean latency, then the first.
  std::size_t best_policy(std::size_t workload, std::size_t load) const;

 private:
  std::size_t trace_index(std::size_t workload, std::size_t load, int seed) const;
  std::vector<double> violation_rates(std::size_t workload, std::size_t load,
                                      std::size_t policy) const;

  MatrixOptions options_;
  std::vector<double> bounds_;   // by trace
  std::vector<MatrixRun> runs_;  // by trace, then policy
};

// Runs everything. Traces are made once for each (workload, load, seed): policies meet the same
// ones. Throws what the first failing run throws, with the run named in front.
Matrix run_matrix(MatrixOptions options);

}  // namespace regroup::tools
