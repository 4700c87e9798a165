#include "runtime/cuda/gpu/device_memory.hpp"

#include <fmt/format.h>

#include <string>

#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

template <class Allocate>
std::byte* allocate(std::size_t bytes, const char* kind, const char* what, Allocate call) {
  const std::string attempt = fmt::format("allocating {} bytes of {} for {}", bytes, kind, what);
  forbid_if_armed(attempt.c_str());
  void* memory = nullptr;
  if (bytes > 0) check(call(&memory, bytes), attempt.c_str());
  return static_cast<std::byte*>(memory);
}

}  // namespace

// What a destructor's call returns is dropped: it reports errors of earlier, asynchronous work,
// which whoever waited for that work has been told of.

DeviceBuffer::DeviceBuffer(std::size_t bytes, const char* what)
    : data_(allocate(bytes, "device memory", what,
                     [](void** to, std::size_t size) { return cudaMalloc(to, size); })),
      bytes_(bytes) {}

DeviceBuffer::~DeviceBuffer() {
  if (data_ != nullptr) static_cast<void>(cudaFree(data_));
}

PinnedBuffer::PinnedBuffer(std::size_t bytes, const char* what)
    : data_(allocate(bytes, "pinned host memory", what,
                     [](void** to, std::size_t size) { return cudaMallocHost(to, size); })),
      bytes_(bytes) {}

PinnedBuffer::~PinnedBuffer() {
  if (data_ != nullptr) static_cast<void>(cudaFreeHost(data_));
}

Stream::Stream() {
  forbid_if_armed("creating a stream");
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
}

Stream::~Stream() {
  if (stream_ != nullptr) static_cast<void>(cudaStreamDestroy(stream_));
}

void Stream::synchronize(const char* what) const { check(cudaStreamSynchronize(stream_), what); }

Event::Event(Timing timing) {
  forbid_if_armed("creating an event");
  const unsigned flags = timing == Timing::kYes ? cudaEventDefault : cudaEventDisableTiming;
  check(cudaEventCreateWithFlags(&event_, flags), "creating an event");
}

Event::~Event() {
  if (event_ != nullptr) static_cast<void>(cudaEventDestroy(event_));
}

void Event::record(cudaStream_t stream) const {
  check(cudaEventRecord(event_, stream), "recording an event");
}

bool Event::done() const {
  const cudaError_t state = cudaEventQuery(event_);
  if (state == cudaErrorNotReady) return false;
  check(state, "asking for an event");
  return true;
}

void Event::synchronize() const { check(cudaEventSynchronize(event_), "waiting for an event"); }

double Event::seconds_since(const Event& earlier) const {
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, earlier.event_, event_),
        "reading the time between events");
  return static_cast<double>(milliseconds) * 1e-3;
}

}  // namespace regroup::cuda
