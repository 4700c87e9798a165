// What the models to be served take of a GPU's memory. Arithmetic only: no device is asked. All
// that the backend allocates at start-up has the sizes that are worked out here; afterwards nothing
// is allocated.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "regroup/policy/types.hpp"
#include "runtime/collectives/heap.hpp"
#include "runtime/cuda/ops/math_libraries.hpp"
#include "runtime/dit/config.hpp"
#include "runtime/dit/latents.hpp"

namespace regroup::cuda {

struct PlannedModel {
  dit::DitConfig config;
  std::vector<Shape> shapes;    // in pixels and frames
  std::vector<Layout> layouts;  // that its steps run on
  bool guided = false;          // some of its requests have a negative prompt
};

struct MemoryDemand {
  std::vector<PlannedModel> models;
  int ranks = 1;
  int ranks_per_gpu = 1;    // slices of one GPU share weights
  int states_per_rank = 8;  // that a rank keeps at once; of one request there may be two or three
  int states_at_once = 8;   // that one placement brings to a rank: the tasks of a batch
  std::uint64_t workspace_bytes = kMathWorkspaceBytes;
};

struct MemoryPlan {
  // Of each model, in the demand's order: DeviceModel, once on each GPU.
  std::vector<std::uint64_t> model_bytes;
  // Of each rank.
  std::uint64_t step_bytes = 0;       // RankResources::memory_bytes, for the largest step
  std::uint64_t workspace_bytes = 0;  // MathResources::workspace_bytes
  std::uint64_t state_bytes = 0;      // of one state, the largest: request_state.hpp
  // Staging slots for the largest exchange, and a window for the states that a placement brings.
  collectives::HeapLayout heap;

  // The same for one GPU with all its ranks, for people.
  struct Part {
    std::string what;
    std::uint64_t bytes;
  };
  std::vector<Part> parts;
  std::string serves;  // "FLUX.1-dev at 512x512, 1024x1024 on 8 ranks, 8 on each GPU,"

  std::uint64_t gpu_bytes() const;
};

// Set aside for what CUDA, its libraries, and recorded graphs take: an allowance, not a sum.
inline constexpr std::uint64_t kCudaReserveBytes = std::uint64_t{2} << 30;

// Throws ConfigError for a shape or a layout that a model cannot have, and for a demand without
// models, shapes or layouts.
MemoryPlan plan_memory(const MemoryDemand& demand);

// "FLUX.1-dev at ... on 8 ranks, 8 on each GPU, need 33.1 GiB of 80.0 GiB"
std::string sentence(const MemoryPlan& plan, std::uint64_t gpu_bytes);
// A line for each part and one for their sum.
std::string table(const MemoryPlan& plan);

// Throws ConfigError with the sentence and the largest parts if the GPU has less.
void require_fits(const MemoryPlan& plan, std::uint64_t gpu_bytes);

}  // namespace regroup::cuda
