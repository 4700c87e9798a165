// The facts of one instant.
#pragma once

#include <string_view>

#include "regroup/policy/cost_model.hpp"

namespace regroup {

enum class GpuState : std::uint8_t { kIdle, kBusy, kFailed };

struct Gpu {
  GpuId id{};
  NodeId node{};
  GpuState state = GpuState::kIdle;
  std::int64_t memory_free_bytes = 0;  // beside the weights of the models of this run
  RunId run{};                         // busy: which placement runs on it
};

// Consecutive GPUs [first, first + count) that share a fast interconnect.
struct Node {
  NodeId id{};
  GpuId first{};
  int count = 0;
};

// One thing that happened since the previous decide(). Enough to keep a queue of one's own up to
// date without ever walking ready().
struct Change {
  enum class Kind : std::uint8_t {
    kTaskReady,    // a new task; or one whose run ended with steps left
    kTaskDone,     // its last step ended
    kRequestDone,  // its last stage ended, or it was rejected
    kGpuFailed,
    kGpuRepaired,
    kWoke,  // a wake_at() fell due
  };
  Kind kind{};
  RequestId request{};         // task and request changes
  const Task* task = nullptr;  // task changes; one that is done as it ended
  GpuId gpu{};                 // GPU changes
};

// Where a running task stands by the cost model's account of it.
struct Progress {
  int steps_done = 0;
  TimePoint step_end{};  // expected end of the current step: when a preempt() would take effect
  TimePoint run_end{};   // expected end of all the steps it was placed for
};

// What a policy may know at one instant. Valid only during the call that receives it, and constant
// throughout that call: decisions show in Decisions::idle() at once and here at the next call.
class ClusterView {
 public:
  virtual TimePoint now() const = 0;

  virtual std::span<const Gpu> gpus() const = 0;    // index = GpuId
  virtual std::span<const Node> nodes() const = 0;  // index = NodeId

  virtual const TaskSet& ready() const = 0;             // tasks that may be placed now
  virtual const TaskSet& running() const = 0;           // tasks that may be preempted
  virtual std::span<const Change> changes() const = 0;  // in the order they happened

  // The live task in that slot; or one that a kTaskDone of this call tells of, as it ended.
  virtual const Task& task(std::uint32_t slot) const = 0;
  // Undefined for a task that is not running.
  virtual Progress progress(const Task& task) const = 0;

  virtual const CostModel& cost() const = 0;

  virtual std::string_view name(ModelId model) const = 0;
  virtual std::string_view name(ClassId request_class) const = 0;

 protected:
  ~ClusterView() = default;
};

}  // namespace regroup
