// Those who watch a run: results, timeline, journal, conservation checks.
#pragma once

#include "core/backend.hpp"
#include "core/request.hpp"

namespace regroup {

// One run (launched placement) that has ended. Tasks and group are valid during the call.
struct RunRecord {
  RunId run{};
  std::span<const Task* const> tasks;  // after the steps below were added
  const Group& group;
  Layout layout{};
  int steps = 0;  // done
  TimePoint launched{};
  TimePoint ended{};
  RunTimes times;
  Duration expected{};        // what the cost model said at launch for these steps, all included
  bool setup_needed = false;  // the group was not formed before
  bool failed = false;
};

// One request that has ended, for better or worse.
struct RequestOutcome {
  enum class End : std::uint8_t { kFinished, kRejected, kUnfinished };
  const Request* request = nullptr;
  End end = End::kFinished;
  TimePoint ended{};
  TimePoint started = kNever;                       // first launch; kNever if there was none
  Duration busy{};                                  // sum of its runs' durations
  Duration encode{}, denoise{}, decode{}, other{};  // busy, by kind of stage
  double gpu_seconds = 0;                           // its share of GPU time (a batch shares evenly)
  int runs = 0;
  int group_changes = 0;  // denoise runs on other GPUs, or in another order, than the run before
  int migrations = 0;     // runs whose state had to move
  std::int64_t migrated_bytes = 0;
  int preemptions = 0;            // runs ended early by preempt()
  int narrowest = 0, widest = 0;  // degrees of its denoise runs

  bool violated() const {
    return end != End::kFinished || (request->deadline != kNever && ended > request->deadline);
  }
};

// Called by the loop, on its thread, in order. Times never go back.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_arrival(TimePoint, const Request&) {}
  virtual void on_launch(TimePoint, const Launch&) {}
  // A run is told to stop at its next step; the tasks are those of its launch.
  virtual void on_preempt(TimePoint, RunId, std::span<const Task* const>) {}
  virtual void on_run_end(const RunRecord&) {}
  virtual void on_request_end(const RequestOutcome&) {}
  virtual void on_gpu_failed(TimePoint, GpuId) {}
  virtual void on_gpu_repaired(TimePoint, GpuId) {}
  // The policy asked to be woken.
  virtual void on_wake(TimePoint, TimePoint when) { (void)when; }
  // After the decisions of an instant took effect.
  virtual void on_instant(TimePoint, std::size_t ready_tasks, int idle_gpus) {
    (void)ready_tasks;
    (void)idle_gpus;
  }
  virtual void on_end(TimePoint) {}
};

}  // namespace regroup
