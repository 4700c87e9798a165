// Where a policy puts what it decided.
#pragma once

#include "regroup/policy/cluster_view.hpp"
#include "regroup/policy/idle_gpus.hpp"

namespace regroup {

// As the number of steps of a placement: run until the task's last step, or until preempt().
inline constexpr int kUntilToldOtherwise = 0;

// Decisions are checked as they are made and take effect, in order, when decide() returns. The
// first that breaks a rule ends the run with a PolicyError that names policy, decision and rule;
// what is decided after it is ignored.
class Decisions {
 public:
  // Runs a ready task on idle GPUs; layout.size() == group.size().
  void place(const Task& task, const Group& group, Layout layout,
             int steps = kUntilToldOtherwise) noexcept {
    const Task* const one = &task;
    place_batch({&one, 1}, group, layout, steps);
  }

  // Runs ready tasks of one model, shape and stage together. They advance in step; the batch ends
  // when the one with the fewest steps left is done.
  virtual void place_batch(std::span<const Task* const> tasks, const Group& group, Layout layout,
                           int steps) noexcept = 0;

  // Ends a running task's placement (and its batch's) at the next step boundary; at least one step
  // of every placement is done. Telling it twice is allowed and changes nothing.
  virtual void preempt(const Task& task) noexcept = 0;

  // Gives up the request of a ready task, none of whose tasks runs or was placed in this call.
  // It counts as a violation.
  virtual void reject(const Task& task) noexcept = 0;

  // Asks for another decide() at `when`, later than now, even if nothing happens.
  virtual void wake_at(TimePoint when) noexcept = 0;

  // The GPUs that are idle now and not yet given away by the decisions above.
  virtual const IdleGpus& idle() const noexcept = 0;

 protected:
  ~Decisions() = default;
};

}  // namespace regroup
