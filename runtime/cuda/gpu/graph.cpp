#include "runtime/cuda/gpu/graph.hpp"

#include <memory>
#include <type_traits>
#include <utility>

#include "runtime/cuda/gpu/arming.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

struct DestroyGraph {
  void operator()(cudaGraph_t graph) const { static_cast<void>(cudaGraphDestroy(graph)); }
};
using Recorded = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, DestroyGraph>;

Recorded end_recording(cudaStream_t stream) {
  cudaGraph_t graph = nullptr;
  check(cudaStreamEndCapture(stream, &graph), "recording a graph");
  return Recorded(graph);
}

}  // namespace

Graph Graph::record(cudaStream_t stream, const std::function<void()>& enqueue) {
  forbid_if_armed("recording a graph");
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "recording a graph");
  try {
    enqueue();
  } catch (...) {
    cudaGraph_t broken = nullptr;
    if (cudaStreamEndCapture(stream, &broken) == cudaSuccess && broken != nullptr)
      static_cast<void>(cudaGraphDestroy(broken));
    throw;
  }
  const Recorded recorded = end_recording(stream);
  Graph graph;
  check(cudaGraphGetNodes(recorded.get(), nullptr, &graph.nodes_), "counting a graph's nodes");
  check(cudaGraphInstantiate(&graph.executable_, recorded.get(), 0), "instantiating a graph");
  return graph;
}

Graph::Graph(Graph&& other) noexcept
    : executable_(std::exchange(other.executable_, nullptr)),
      nodes_(std::exchange(other.nodes_, 0)) {}

Graph& Graph::operator=(Graph other) noexcept {
  std::swap(executable_, other.executable_);
  std::swap(nodes_, other.nodes_);
  return *this;
}

Graph::~Graph() {
  if (executable_ != nullptr) static_cast<void>(cudaGraphExecDestroy(executable_));
}

void Graph::launch(cudaStream_t stream) const {
  check(cudaGraphLaunch(executable_, stream), "launching a graph");
}

}  // namespace regroup::cuda
