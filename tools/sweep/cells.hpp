// The runs of a sweep: which there are, in which order, and what each is called.
#pragma once

#include <string>
#include <vector>

#include "tools/sweep/sweep_spec.hpp"

namespace regroup::tools {

// What a run depends on but its seed: one line of summary.csv. The first three are positions in the
// lists of the specification.
struct Setting {
  std::size_t workload = 0, cluster = 0, policy = 0;
  double slo_scale = 1, load = 1;
  int count = 0;  // stands for '*' in the cluster's name; 0: there is none
};

// Every setting, or every search if the specification asks for capacity (then what is searched for
// has no value yet). Nested loops, the last the fastest: workloads, clusters, slo_scales, loads,
// policies.
std::vector<Setting> settings_of(const SweepSpec& spec);
// How many runs a setting has: the seeds, but one where the seed would change nothing (a trace file
// without jitter). Runs of a setting follow one another: seeds 0, 1, ...
int seeds_of(const SweepSpec& spec, const Setting& setting);

// The setting of a search at a point.
Setting at_point(const SweepSpec& spec, Setting setting, double point);
// What Experiment::cluster is, and what tables call it: a file goes by its name.
std::string cluster_of(const SweepSpec& spec, const Setting& setting);
std::string cluster_name(const SweepSpec& spec, const Setting& setting);

// The name of a run, the same whatever else is in the specification: "flux.csv, 8xH100, slo 1, load
// 1.5, fcfs degree=4, seed 0".
std::string run_id(const SweepSpec& spec, const Setting& setting, int seed);
// The run itself. Runs of one seed that differ in the policy only get the same requests.
Experiment experiment_of(const SweepSpec& spec, const Setting& setting, int seed);

}  // namespace regroup::tools
