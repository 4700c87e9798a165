// Workloads made by rule: the same seed gives the same trace on every machine.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/catalog.hpp"
#include "traces/mixes.hpp"
#include "traces/reader.hpp"

namespace regroup::traces {

// Gaps between arrivals. CV is their standard deviation over their mean.
enum class ArrivalProcess {
  kPoisson,   // exponential gaps, CV 1
  kConstant,  // equal gaps, CV 0; the first request comes after one gap
  kGamma,     // gamma gaps of a chosen CV; above 1 is bursty
};

struct ArrivalOptions {
  Mix mix{};
  ArrivalProcess process = ArrivalProcess::kPoisson;
  double per_minute = 12;
  double cv = 1;               // kGamma only
  std::uint64_t count = 0;     // stop after so many requests; 0: by span alone
  Duration span{};             // stop before an arrival at or after this; zero: by count alone
  std::optional<int> steps{};  // instead of the mix's own
  std::uint64_t seed = 0;
};

// Requests of a mix that arrive by a renewal process, in constant memory. Arrivals are whole
// microseconds; ids are r000000, r000001, ... Throws ConfigError for an empty mix, a rate or CV
// that is not positive, and neither count nor span.
std::unique_ptr<Reader> generate(const ArrivalOptions& options);

// TetriServe's workload (arXiv 2510.01565): Poisson, 12 requests a minute (6 to 18 there), 300
// requests of tetriserve-uniform or tetriserve-skewed.
ArrivalOptions tetriserve_workload(bool skewed);

// GF-DiT's piecewise Poisson workloads (arXiv 2606.13501, benchmarks/diffusion/
// generate_runtime_v2_mixed_priority_workload.py). The same profile, seed and load give the
// arrivals and classes of that script: it draws from Python's random.Random, and so does this.
struct GfDitOptions {
  std::string profile = "short";  // short, foreground_burst, inflight_burst, tridentserve
  std::string mix = "gfdit-wan";  // or gfdit-qwen: the shapes of classes S, M, L
  std::uint64_t seed = 0;
  int gpus = 8;           // rates are published for 8 and scale with the number
  double rate_scale = 1;  // further factor on all rates
  // Scale all rates so that work arrives at this many times the speed at which `gpus` GPUs do it,
  // over the phases that have any arrivals; T1 comes from the catalog. Not with rate_scale.
  std::optional<double> target_load{};
  // deadline = arrival + alpha * T1 + deadline_constant, by class S, M, L. The script's default;
  // its authors ran Wan with 2.0, 2.5, 3.5.
  std::array<double, 3> alphas = {1.5, 2.0, 6.0};
  Duration deadline_constant{};
  std::optional<int> steps{};  // instead of 50
};

// `catalog` gives T1 (one GPU, whole request). Without one the records have no deadlines, and
// target_load is an error. Throws ConfigError for an unknown profile or mix, or numbers out of
// range.
std::vector<Record> generate_gfdit(const GfDitOptions& options, Catalog* catalog);
std::vector<std::string> gfdit_profiles();

}  // namespace regroup::traces
