// An observer on a thread of its own: a run does not wait for its files.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/cache_line.hpp"
#include "core/relay_records.hpp"

namespace regroup {

// What a thread writes all the time lies so far from what another one uses, or each waits for the
// other's cache line at every write, and both take half as long again. Processors fetch lines in
// pairs.
inline constexpr std::size_t kApart = 2 * kCacheLine;

// Passes what a loop tells it on to an observer, on a thread that it starts: every call, in order,
// with the same arguments (of tasks: what does not change while they live), so that what is written
// does not depend on threads. A run is told as its launch and its end: both have the same tasks,
// group and layout. Live tasks have different slots. Nothing comes back, except that what the
// observer throws leaves a later call of the loop, or finish(). Calls travel in blocks, as what
// nobody could guess; there are few blocks: where the observer is slower, the loop waits for it.
class Relay final : public Observer {
 public:
  // `classes` is the loop's table, which grows during the run; the observer must look names up in
  // `their_classes`, which is filled for it. All of it must outlive this, and is not the caller's
  // from here until finish() has returned. SystemError if there can be no thread.
  Relay(const NameTable<ClassId>& classes, NameTable<ClassId>& their_classes, Observer& observer);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  // Waits for the blocks under way; calls that finish() did not wait for are dropped.
  ~Relay() override;

  // After the last call: waits until all is passed on. Throws what the observer threw.
  void finish();

  void on_arrival(TimePoint at, const Request& request) override;
  void on_launch(TimePoint at, const Launch& launch) override;
  void on_preempt(TimePoint at, RunId run, std::span<const Task* const> tasks) override;
  void on_run_end(const RunRecord& run) override;
  void on_request_end(const RequestOutcome& outcome) override;
  void on_gpu_failed(TimePoint at, GpuId gpu) override;
  void on_gpu_repaired(TimePoint at, GpuId gpu) override;
  void on_wake(TimePoint at, TimePoint when) override;
  void on_instant(TimePoint at, std::size_t ready_tasks, int idle_gpus) override;
  void on_end(TimePoint at) override;

 private:
  static constexpr std::size_t kBlockBytes = std::size_t{1} << 14;
  static constexpr std::size_t kBlocks = 16;
  // So many empty ones are worth waking the loop for, where it had to wait.
  static constexpr std::size_t kEnough = kBlocks / 2;
  // The thread looks for more by itself once more before it sleeps until it is woken: to wake it
  // takes the loop as long as hundreds of events, as it stops another processor of the machine's.
  static constexpr std::chrono::milliseconds kNap{1};

  void recorded() {
    if (recorder_.block().size() >= kBlockBytes) hand_over();
  }
  void hand_over();
  void join(bool drop);
  void pass_on();  // the thread
  bool pass_on(CallBlock block);

  alignas(kApart) CallRecorder recorder_;  // the loop's
  alignas(kApart) CallPlayer player_;      // the thread's

  alignas(kApart) std::mutex mutex_;     // for all below but the thread
  std::condition_variable work_, room_;  // for the thread, for the loop
  std::vector<CallBlock> full_;          // in order
  std::vector<CallBlock> empty_;         // with the memory that they had
  bool asleep_ = false;                  // the thread, until it is woken
  bool last_ = false;                    // no more will come
  std::exception_ptr error_;             // what the observer threw; nothing is passed on any more
  std::thread thread_;
};

}  // namespace regroup
