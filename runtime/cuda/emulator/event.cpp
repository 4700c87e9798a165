#include "runtime/cuda/emulator/state.hpp"

namespace regroup::cuda::emulator {

Registry<cudaEvent_t, Event>& events() {
  static auto* const registry = new Registry<cudaEvent_t, Event>;
  return *registry;
}

void Moment::pass() {
  {
    const std::lock_guard lock(mutex_);
    passed_ = true;
    when_ = std::chrono::steady_clock::now();
  }
  changed_.notify_all();
}

bool Moment::passed() const {
  const std::lock_guard lock(mutex_);
  return passed_;
}

void Moment::wait() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return passed_; });
}

std::chrono::steady_clock::time_point Moment::when() const {
  const std::lock_guard lock(mutex_);
  return when_;
}

}  // namespace regroup::cuda::emulator

using namespace regroup::cuda::emulator;

namespace {

// What `event` stands for now, for a call that looks at it from outside of any capture.
cudaError_t look_at(cudaEvent_t handle, std::shared_ptr<Event>& event,
                    std::shared_ptr<Moment>& recorded) {
  if (const cudaError_t error = check_uncaptured(); error != cudaSuccess) return error;
  event = events().find(handle);
  if (event == nullptr) return cudaErrorInvalidResourceHandle;
  const std::lock_guard lock(capture_mutex());
  if (event->capture != nullptr) return cudaErrorCapturedEvent;
  recorded = event->recorded;
  return cudaSuccess;
}

// Of a stream that captures: its own events are in order anyway, others are not in the graph.
cudaError_t wait_while_capturing(Capture& capture, const Event& event) {
  if (capture.invalid) return cudaErrorStreamCaptureInvalidated;
  if (event.capture.get() == &capture) return cudaSuccess;
  capture.invalid = true;
  return cudaErrorStreamCaptureIsolation;
}

}  // namespace

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  if (event == nullptr || flags > (cudaEventBlockingSync | cudaEventDisableTiming))
    return report(cudaErrorInvalidValue);
  const bool timed = (flags & cudaEventDisableTiming) == 0;
  *event = events().add(std::make_shared<Event>(Event{timed, nullptr, nullptr}));
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return report(events().remove(event) == nullptr ? cudaErrorInvalidResourceHandle : cudaSuccess);
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream_handle) {
  const auto event = events().find(handle);
  const auto stream = find_stream(stream_handle);
  if (event == nullptr || stream == nullptr) return report(cudaErrorInvalidResourceHandle);
  const auto moment = std::make_shared<Moment>();
  {
    const std::lock_guard lock(capture_mutex());
    event->capture = stream->capture;
    event->recorded = moment;
  }
  return report(submit(stream_handle, [moment] { moment->pass(); }));
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream_handle, cudaEvent_t handle, unsigned flags) {
  if (flags != 0) return report(cudaErrorInvalidValue);
  const auto event = events().find(handle);
  const auto stream = find_stream(stream_handle);
  if (event == nullptr || stream == nullptr) return report(cudaErrorInvalidResourceHandle);
  std::shared_ptr<Moment> recorded;
  {
    const std::lock_guard lock(capture_mutex());
    if (stream->capture != nullptr) return report(wait_while_capturing(*stream->capture, *event));
    if (event->capture != nullptr) return report(cudaErrorNotSupported);
    recorded = event->recorded;
  }
  if (recorded == nullptr) return cudaSuccess;
  return report(submit(stream_handle, [recorded] { recorded->wait(); }));
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  std::shared_ptr<Event> event;
  std::shared_ptr<Moment> recorded;
  if (const cudaError_t error = look_at(handle, event, recorded); error != cudaSuccess)
    return report(error);
  return recorded == nullptr || recorded->passed() ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  std::shared_ptr<Event> event;
  std::shared_ptr<Moment> recorded;
  if (const cudaError_t error = look_at(handle, event, recorded); error != cudaSuccess)
    return report(error);
  if (recorded != nullptr) recorded->wait();
  return cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  std::shared_ptr<Event> events_[2];
  std::shared_ptr<Moment> moments[2];
  const cudaEvent_t handles[2] = {start, end};
  for (int i = 0; i < 2; ++i) {
    if (const cudaError_t error = look_at(handles[i], events_[i], moments[i]); error != cudaSuccess)
      return report(error);
    if (!events_[i]->timed || moments[i] == nullptr) return report(cudaErrorInvalidResourceHandle);
    if (!moments[i]->passed()) return report(cudaErrorNotReady);
  }
  *milliseconds =
      std::chrono::duration<float, std::milli>(moments[1]->when() - moments[0]->when()).count();
  return cudaSuccess;
}
