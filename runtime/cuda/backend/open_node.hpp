// What open_cuda() and the benchmarks of a node have in common. Not portable.
#pragma once

#include "runtime/cuda/backend/cuda_node.hpp"
#include "runtime/cuda/backend/open_cuda.hpp"
#include "runtime/cuda/backend/open_ranks.hpp"

namespace regroup::cuda {

// All that a CudaNode is made from.
struct OpenedNode {
  OpenedRanks ranks;
  MemoryPlan plan;
  NodeOptions options;
};

// Opens GPUs and libraries as `options` say. Throws what open_cuda() throws.
OpenedNode open_node(const CudaOptions& options);

}  // namespace regroup::cuda
