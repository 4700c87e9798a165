#include <atomic>

#include "runtime/cuda/emulator/state.hpp"

namespace regroup::cuda::emulator {
namespace {

thread_local bool serves_a_stream = false;

}  // namespace

Registry<cudaStream_t, Stream>& streams() {
  static auto* const registry = new Registry<cudaStream_t, Stream>;
  return *registry;
}

std::shared_ptr<Stream> find_stream(cudaStream_t handle) {
  static auto* const default_stream = new std::shared_ptr<Stream>(std::make_shared<Stream>());
  return handle == nullptr ? *default_stream : streams().find(handle);
}

void wait_for_all_streams() {
  find_stream(nullptr)->wait_idle();
  for (const auto& stream : streams().all()) stream->wait_idle();
}

cudaError_t check_caller() { return serves_a_stream ? cudaErrorNotPermitted : cudaSuccess; }

cudaError_t submit(cudaStream_t handle, Work work) {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  const auto stream = find_stream(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  {
    const std::lock_guard lock(capture_mutex());
    if (Capture* const capture = stream->capture.get(); capture != nullptr) {
      if (capture->invalid) return cudaErrorStreamCaptureInvalidated;
      capture->nodes.push_back(std::move(work));
      return cudaSuccess;
    }
  }
  stream->enqueue(std::move(work));
  return cudaSuccess;
}

Stream::Stream() : thread_([this] { serve(); }) {}

Stream::~Stream() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Stream::enqueue(Work work) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
  }
  changed_.notify_all();
}

bool Stream::idle() const {
  const std::lock_guard lock(mutex_);
  return queue_.empty() && !busy_;
}

void Stream::wait_idle() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return queue_.empty() && !busy_; });
}

void Stream::serve() {
  serves_a_stream = true;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Work work = std::move(queue_.front());
    queue_.pop_front();
    busy_ = true;
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

}  // namespace regroup::cuda::emulator

using namespace regroup::cuda::emulator;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  if (stream == nullptr) return report(cudaErrorInvalidValue);
  if (flags != cudaStreamNonBlocking) return report(cudaErrorNotSupported);
  *stream = streams().add(std::make_shared<Stream>());
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return report(error);
  return report(streams().remove(stream) == nullptr ? cudaErrorInvalidResourceHandle : cudaSuccess);
}

namespace {

// Waiting for a stream, or asking it, while it captures makes the capture invalid.
cudaError_t find_uncaptured(cudaStream_t handle, std::shared_ptr<Stream>& stream) {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  stream = find_stream(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  const std::lock_guard lock(capture_mutex());
  if (stream->capture == nullptr) return cudaSuccess;
  stream->capture->invalid = true;
  return cudaErrorStreamCaptureUnsupported;
}

}  // namespace

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  std::shared_ptr<Stream> stream;
  if (const cudaError_t error = find_uncaptured(handle, stream); error != cudaSuccess)
    return report(error);
  stream->wait_idle();
  return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  std::shared_ptr<Stream> stream;
  if (const cudaError_t error = find_uncaptured(handle, stream); error != cudaSuccess)
    return report(error);
  return stream->idle() ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* argument) {
  if (function == nullptr) return report(cudaErrorInvalidValue);
  return report(submit(stream, [function, argument] { function(argument); }));
}
