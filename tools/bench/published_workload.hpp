// The workloads that papers published, at any load.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/platform.hpp"
#include "traces/mixes.hpp"

namespace regroup::tools {

// The names, in the order of the table:
//   tetriserve-uniform@SCALE  TetriServe (arXiv 2510.01565): Poisson arrivals of FLUX.1-dev at 256,
//   tetriserve-skewed@SCALE   512, 1024, 2048 square, deadlines of 1.5, 2, 3, 5 s times SCALE;
//   there
//                             1.0 to 1.5. Listed with 1.0, 1.2, 1.5; any above 0 is known
//   gfdit-PROFILE-wan         GF-DiT (arXiv 2606.13501): the phases of PROFILE (short,
//   gfdit-PROFILE-qwen        foreground_burst, inflight_burst, tridentserve), classes S, M, L with
//                             deadlines of 1.5, 2, 6 times T1
std::vector<std::string> published_workloads();
// Those without the two that bring thousands of requests a run (the long profiles with Qwen-Image,
// whose requests are short): what is run where nothing else is asked for.
std::vector<std::string> quick_workloads();

struct WorkloadTrace {
  std::vector<traces::Record> requests;  // by arrival
  std::string slo;                       // the deadline rule that belongs to them, for SloRule
};

// `load` is the GPU time that arrives in a second over the number of GPUs: a request counts as the
// GPU time that it takes at its most efficient width, stage by stage. GF-DiT's profiles are scaled
// by their own generator: it counts T1, the time on one GPU, and the phases that have arrivals.
// The same arguments and costs give the same trace. `requests`: how many (0: as published, which is
// 300 for TetriServe; a profile of GF-DiT has as many as its phases bring, and is cut after
// `requests`). Throws ConfigError for an unknown name, a load that is not above 0, or a trace
// without requests.
WorkloadTrace published_workload(const std::string& name, double load, std::uint64_t seed,
                                 std::uint64_t requests, models::Platform& platform);

// GPU seconds of a whole request of this entry if every stage has its most efficient layout:
// the least of layout size times predicted time, without dispatch, set-up and migration.
double efficient_gpu_seconds(const traces::MixEntry& entry, models::Platform& platform);

}  // namespace regroup::tools
