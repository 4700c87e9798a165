// An attention as cuDNN's operation graph, and what it may be computed with. Not portable.
#pragma once

#include <vector>

#include "runtime/cuda/ops/attention_shape.hpp"
#include "runtime/cuda/ops/cudnn.hpp"

namespace regroup::cuda {

// How a variant pack names the tensors of a graph. The scale is a float of the host.
enum SdpaTensor : std::int64_t { kSdpaQuery = 1, kSdpaKey, kSdpaValue, kSdpaOutput, kSdpaScale };

// Finalised by its constructor, which throws CudaError: cuDNN cannot express the shape. Needs no
// device: a null handle will do. Keeps the library and the handle for as long as it lives.
class SdpaGraph {
 public:
  SdpaGraph(const Cudnn& library, const AttentionShape& shape, cudnnHandle_t handle);
  const Descriptor& get() const { return graph_; }

 private:
  // In the order in which each needs those above it.
  Descriptor query_, key_, value_, output_, scale_, operation_, graph_;
};

// Which engines of the handle's device can compute it, best first, at most eight; none: none can.
std::vector<Descriptor> sdpa_engines(const Cudnn& library, const SdpaGraph& graph);

}  // namespace regroup::cuda
