// Memory, streams and events that free themselves. All of them belong to the device that is current
// when they are made; making one after arm() is an InternalError (arming.hpp). They are to be
// destroyed after disarm(); that they are not, while an error unwinds the stack, harms nobody any
// more. C++17, for .cu files.
#pragma once

#include <cstddef>
#include <utility>

#include "runtime/cuda/gpu/arming.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// Uninitialised device memory, aligned to 256 bytes. CudaError where there is not so much, naming
// `what` it was for.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(std::size_t bytes, const char* what);
  DeviceBuffer(DeviceBuffer&& other) noexcept { swap(other); }
  DeviceBuffer& operator=(DeviceBuffer other) noexcept {
    swap(other);
    return *this;
  }
  ~DeviceBuffer();

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  void swap(DeviceBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }

  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

// Page-locked memory of the host, which kernels can read and write at the same address.
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  PinnedBuffer(std::size_t bytes, const char* what);
  PinnedBuffer(PinnedBuffer&& other) noexcept { swap(other); }
  PinnedBuffer& operator=(PinnedBuffer other) noexcept {
    swap(other);
    return *this;
  }
  ~PinnedBuffer();

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  void swap(PinnedBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }

  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

// A stream that never waits for the default stream.
class Stream {
 public:
  Stream();
  // Takes over one that the driver made, of a green context.
  explicit Stream(cudaStream_t adopted) : stream_(adopted) {}
  Stream(Stream&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
  Stream& operator=(Stream other) noexcept {
    std::swap(stream_, other.stream_);
    return *this;
  }
  ~Stream();

  cudaStream_t get() const { return stream_; }
  // Waits until all that was enqueued is done. CudaError: `what` was to be waited for.
  void synchronize(const char* what) const;

 private:
  cudaStream_t stream_ = nullptr;
};

class Event {
 public:
  enum class Timing { kNo, kYes };  // without, recording and waiting are cheaper
  explicit Event(Timing timing = Timing::kNo);
  Event(Event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  Event& operator=(Event other) noexcept {
    std::swap(event_, other.event_);
    return *this;
  }
  ~Event();

  cudaEvent_t get() const { return event_; }
  void record(cudaStream_t stream) const;
  // True: all that was enqueued before record() is done.
  bool done() const;
  void synchronize() const;
  // From `earlier` to this one, both with timing and done.
  double seconds_since(const Event& earlier) const;

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace regroup::cuda
