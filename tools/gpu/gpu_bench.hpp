// Measurements on GPUs, for verbs to print and to write. As for gpu_backend.hpp there are two
// sources. All throw CudaError, one line, where there is no GPU to measure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/platform.hpp"
#include "regroup/policy/types.hpp"
#include "tools/gpu/gpu_options.hpp"

namespace regroup::tools {

struct Measured {
  std::vector<std::vector<std::string>> rows;  // for aligned(): the heading first
  std::string note;                            // what a reader has to know besides
  std::string json;                            // all of it, and on what it was measured
};

// A new group to its first collective, group-free and by NCCL.
struct GroupBench {
  std::vector<int> sizes = {2, 4, 8};
  int samples = 100;  // of each size and way
};
Measured measure_groups(const GpuOptions& gpu, const GroupBench& bench);

// Denoising steps of a model.
struct DitBench {
  std::string model = "FLUX.1-dev";
  std::vector<Shape> shapes;
  int steps = 20;     // of each shape and layout
  bool busy = false;  // all ranks work, in as many groups as there is room for
};
Measured measure_dit(const GpuOptions& gpu, const DitBench& bench);
// Whether `bench.steps` steps come out the same on every layout (cuda/bench/step_agreement.hpp).
// `passed`: all of them.
Measured compare_dit(const GpuOptions& gpu, const DitBench& bench, bool& passed);
// What it takes: memory and arithmetic, without a GPU. `ranks` of one GPU.
Measured plan_dit(const DitBench& bench, int ranks);

// Very many collectives of random groups, every byte checked, and one order turned round that must
// be noticed (cuda/collectives/soak.hpp). `passed` says whether all was right.
struct SoakBench {
  std::uint64_t operations = 100'000;
  std::uint64_t seed = 1;
};
Measured soak_collectives(const GpuOptions& gpu, const SoakBench& bench, bool& passed);

// Barriers, collectives and puts by degree and size, and what a launch costs.
Measured measure_exchange_times(const GpuOptions& gpu, const std::vector<int>& degrees);

}  // namespace regroup::tools
