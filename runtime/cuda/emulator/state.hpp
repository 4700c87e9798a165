// What the emulator keeps behind CUDA's handles. A handle is a number that is never used again, so
// that one which was destroyed is always recognised.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/cuda/emulator/cuda_emulator.hpp"

namespace regroup::cuda::emulator {

using Work = std::function<void()>;

template <class Handle, class Object>
class Registry {
 public:
  Handle add(std::shared_ptr<Object> object) {
    const std::lock_guard lock(mutex_);
    last_ += 16;
    objects_.emplace(reinterpret_cast<Handle>(last_), std::move(object));
    return reinterpret_cast<Handle>(last_);
  }
  // Both: nullptr if there is none.
  std::shared_ptr<Object> find(Handle handle) const {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(handle);
    return found == objects_.end() ? nullptr : found->second;
  }
  std::shared_ptr<Object> remove(Handle handle) {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(handle);
    if (found == objects_.end()) return nullptr;
    std::shared_ptr<Object> object = std::move(found->second);
    objects_.erase(found);
    return object;
  }
  std::vector<std::shared_ptr<Object>> all() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<Object>> result;
    for (const auto& [handle, object] : objects_) result.push_back(object);
    return result;
  }
  // Those there are, and those there ever were.
  int size() const {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(objects_.size());
  }
  long created() const {
    const std::lock_guard lock(mutex_);
    return static_cast<long>(last_ / 16);
  }

 private:
  mutable std::mutex mutex_;
  std::uintptr_t last_ = 0;
  std::map<Handle, std::shared_ptr<Object>> objects_;
};

// One moment in a stream.
class Moment {
 public:
  void pass();
  bool passed() const;
  void wait() const;
  std::chrono::steady_clock::time_point when() const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool passed_ = false;
  std::chrono::steady_clock::time_point when_;
};

// What a capturing stream is asked to do meanwhile.
struct Capture {
  cudaStreamCaptureMode mode;
  std::thread::id thread;
  bool invalid = false;
  std::vector<Work> nodes;
};

// A queue and the OS thread that serves it.
class Stream {
 public:
  Stream();
  ~Stream();  // after all that was asked for
  void enqueue(Work work);
  bool idle() const;
  void wait_idle() const;

  std::shared_ptr<Capture> capture;  // guarded by capture_mutex()

 private:
  void serve();

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<Work> queue_;
  bool busy_ = false;
  bool closing_ = false;
  std::thread thread_;
};

struct Event {
  bool timed;
  std::shared_ptr<Moment> recorded;        // where it was recorded last
  std::shared_ptr<const Capture> capture;  // in which capture it was; nullptr: outside
};

struct Graph {
  std::vector<Work> nodes;
};

// Never destroyed: streams that a test leaves behind may still be at work when the program ends.
Registry<cudaStream_t, Stream>& streams();
Registry<cudaEvent_t, Event>& events();
Registry<cudaGraph_t, Graph>& graphs();
Registry<cudaGraphExec_t, Graph>& executables();
std::mutex& capture_mutex();
// Of `handle`, with nullptr for the default stream; nullptr: there is none.
std::shared_ptr<Stream> find_stream(cudaStream_t handle);
void wait_for_all_streams();

// Keeps the error for cudaGetLastError(), and returns it.
cudaError_t report(cudaError_t error);
// In the stream, or in the graph that the stream captures.
cudaError_t submit(cudaStream_t handle, Work work);
// An error if this thread serves a stream (kernels and host functions may not call CUDA), or, for
// calls that CUDA cannot record, if a capture forbids them; which then is invalid.
cudaError_t check_caller();
cudaError_t check_uncaptured();
void count_kernel();

}  // namespace regroup::cuda::emulator
