// Capturing streams, and graphs: a list of what the stream was asked for, in order.
#include <utility>

#include "runtime/cuda/emulator/state.hpp"

namespace regroup::cuda::emulator {
namespace {

// All that go on, for calls that some of them forbid.
std::vector<std::weak_ptr<Capture>>& captures() {
  static auto* const all = new std::vector<std::weak_ptr<Capture>>;
  return *all;
}

}  // namespace

std::mutex& capture_mutex() {
  static auto* const mutex = new std::mutex;
  return *mutex;
}

Registry<cudaGraph_t, Graph>& graphs() {
  static auto* const registry = new Registry<cudaGraph_t, Graph>;
  return *registry;
}

Registry<cudaGraphExec_t, Graph>& executables() {
  static auto* const registry = new Registry<cudaGraphExec_t, Graph>;
  return *registry;
}

cudaError_t check_uncaptured() {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  const std::lock_guard lock(capture_mutex());
  for (const auto& each : captures()) {
    const auto capture = each.lock();
    if (capture == nullptr) continue;
    const bool mine = capture->thread == std::this_thread::get_id();
    if (capture->mode == cudaStreamCaptureModeGlobal ||
        (capture->mode == cudaStreamCaptureModeThreadLocal && mine)) {
      capture->invalid = true;
      return cudaErrorStreamCaptureUnsupported;
    }
  }
  return cudaSuccess;
}

}  // namespace regroup::cuda::emulator

using namespace regroup::cuda::emulator;

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  if (handle == nullptr) return report(cudaErrorStreamCaptureUnsupported);
  const auto stream = find_stream(handle);
  if (stream == nullptr) return report(cudaErrorInvalidResourceHandle);
  const std::lock_guard lock(capture_mutex());
  if (stream->capture != nullptr) return report(cudaErrorIllegalState);
  stream->capture = std::make_shared<Capture>(Capture{mode, std::this_thread::get_id(), false, {}});
  std::erase_if(captures(), [](const auto& each) { return each.expired(); });
  captures().push_back(stream->capture);
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  const auto stream = find_stream(handle);
  if (stream == nullptr) return report(cudaErrorInvalidResourceHandle);
  if (graph == nullptr) return report(cudaErrorInvalidValue);
  *graph = nullptr;
  const std::lock_guard lock(capture_mutex());
  if (stream->capture == nullptr) return report(cudaErrorIllegalState);
  if (stream->capture->mode != cudaStreamCaptureModeRelaxed &&
      stream->capture->thread != std::this_thread::get_id())
    return report(cudaErrorStreamCaptureWrongThread);
  const auto capture = std::exchange(stream->capture, nullptr);
  std::erase_if(captures(), [&](const auto& each) { return each.lock() == capture; });
  if (capture->invalid) return report(cudaErrorStreamCaptureInvalidated);
  *graph = graphs().add(std::make_shared<Graph>(Graph{std::move(capture->nodes)}));
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  const auto stream = find_stream(handle);
  if (stream == nullptr) return report(cudaErrorInvalidResourceHandle);
  const std::lock_guard lock(capture_mutex());
  if (stream->capture == nullptr)
    *status = cudaStreamCaptureStatusNone;
  else
    *status = stream->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                       : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph,
                                 unsigned long long flags) {
  const auto source = graphs().find(graph);
  if (exec == nullptr || source == nullptr || flags != 0) return report(cudaErrorInvalidValue);
  *exec = executables().add(std::make_shared<Graph>(*source));
  return cudaSuccess;
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  const auto found = graphs().find(graph);
  if (found == nullptr || count == nullptr) return report(cudaErrorInvalidValue);
  if (nodes != nullptr) return report(cudaErrorNotSupported);
  *count = found->nodes.size();
  return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t stream) {
  if (executables().find(exec) == nullptr) return report(cudaErrorInvalidValue);
  return report(submit(stream, [] {}));
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  const auto graph = executables().find(exec);
  if (graph == nullptr) return report(cudaErrorInvalidValue);
  return report(submit(stream, [graph] {
    for (const Work& node : graph->nodes) node();
  }));
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return report(graphs().remove(graph) == nullptr ? cudaErrorInvalidValue : cudaSuccess);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  return report(executables().remove(exec) == nullptr ? cudaErrorInvalidValue : cudaSuccess);
}
