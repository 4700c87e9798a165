#include "runtime/cuda/ops/sdpa_graph.hpp"

#include <span>

namespace regroup::cuda {
namespace {

Descriptor tensor(const Cudnn& library, std::int64_t id, cudnnDataType_t type,
                  std::span<const std::int64_t> sizes, std::span<const std::int64_t> strides,
                  const char* what) {
  Descriptor tensor(library, CUDNN_BACKEND_TENSOR_DESCRIPTOR, what);
  const std::int64_t alignment = 16;
  const bool is_virtual = false;
  tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id);
  tensor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
  tensor.set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, std::ssize(sizes), sizes.data());
  tensor.set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, std::ssize(strides), strides.data());
  tensor.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
  tensor.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &is_virtual);
  return tensor;
}

// cuDNN's order is batch, head, token, element.
Descriptor heads(const Cudnn& library, std::int64_t id, const AttentionShape& shape,
                 std::int64_t tokens, std::int64_t row, std::int64_t head, const char* what) {
  const std::int64_t sizes[] = {1, shape.heads, tokens, shape.head_dim};
  const std::int64_t strides[] = {tokens * row, head, row, 1};
  Descriptor view = tensor(library, id, CUDNN_DATA_BFLOAT16, sizes, strides, what);
  view.finalize();
  return view;
}

Descriptor scale(const Cudnn& library) {
  const std::int64_t ones[] = {1, 1, 1, 1};
  Descriptor scale =
      tensor(library, kSdpaScale, CUDNN_DATA_FLOAT, ones, ones, "describing attention's scale");
  const bool by_value = true;
  scale.set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &by_value);
  scale.finalize();
  return scale;
}

}  // namespace

SdpaGraph::SdpaGraph(const Cudnn& library, const AttentionShape& shape, cudnnHandle_t handle)
    : query_(heads(library, kSdpaQuery, shape, shape.queries, shape.q_row, shape.q_head,
                   "describing queries")),
      key_(heads(library, kSdpaKey, shape, shape.keys, shape.k_row, shape.k_head,
                 "describing keys")),
      value_(heads(library, kSdpaValue, shape, shape.keys, shape.v_row, shape.v_head,
                   "describing values")),
      output_(heads(library, kSdpaOutput, shape, shape.queries, shape.o_row, shape.o_head,
                    "describing attention's result")),
      scale_(scale(library)),
      operation_(library, CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR, "describing attention"),
      graph_(library, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, "making a graph of attention") {
  operation_.set(CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC, query_);
  operation_.set(CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC, key_);
  operation_.set(CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC, value_);
  operation_.set(CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC, output_);
  operation_.set(CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC, scale_);
  operation_.finalize();
  graph_.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operation_);
  if (handle != nullptr)
    graph_.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
  graph_.finalize();
}

// They are not asked to suit a slice of the GPU: cuDNN 9.19 has a number for that
// (CUDNN_ATTR_ENGINEHEUR_SM_COUNT_TARGET), but its attention engines refuse any other than the
// GPU's own. In a slice they run correctly, in more waves.
std::vector<Descriptor> sdpa_engines(const Cudnn& library, const SdpaGraph& graph) {
  constexpr const char* kWhat = "choosing engines for attention";
  Descriptor heuristics(library, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, kWhat);
  const cudnnBackendHeurMode_t mode = CUDNN_HEUR_MODE_A;
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph.get());
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
  heuristics.finalize();

  constexpr std::int64_t kMost = 8;
  std::vector<Descriptor> engines;
  cudnnBackendDescriptor_t handles[kMost];
  for (cudnnBackendDescriptor_t& handle : handles) {
    engines.emplace_back(library, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, kWhat);
    handle = engines.back().get();
  }
  std::int64_t found = 0;
  library.check(library.get_attribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                      CUDNN_TYPE_BACKEND_DESCRIPTOR, kMost, &found, handles),
                kWhat);
  engines.erase(engines.begin() + found, engines.end());
  return engines;
}

}  // namespace regroup::cuda
