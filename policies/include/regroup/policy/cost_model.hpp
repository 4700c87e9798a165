// Predictions that a policy may ask for. The same calibrated tables serve simulation and hardware.
#pragma once

#include "regroup/policy/task.hpp"

namespace regroup {

// All answers are pure functions of the arguments and of which groups have been formed so far.
// A layout must be one that Task::layouts has, or another that the model
// can have; anything else is a PolicyError.
class CostModel {
 public:
  // Time of `steps` steps of this task (1 for encode and decode) on a formed group of that layout,
  // collectives included, for a batch of `batch` requests of the same shape.
  virtual Duration predict(const Task& task, Layout layout, int steps, int batch = 1) const = 0;

  // Time until the whole request is done if the steps left of this task, and every stage after it,
  // run on the widest listed layout of at most `gpus` GPUs; nothing else in the way.
  virtual Duration remaining(const Task& task, int gpus) const = 0;

  // Time to make a group ready for collectives: microseconds group-free, or a new NCCL communicator
  // (zero once that set of GPUs has one). Zero for one GPU.
  virtual Duration setup(const Group& group) const = 0;

  // Time to bring the task's state from task.group to `to` over the path between them.
  // Zero when the task has no state yet, or nothing has to move.
  virtual Duration migrate(const Task& task, const Group& to) const = 0;

  // Time from a decision to the start of the work: dispatch and kernel launch, once a placement.
  virtual Duration dispatch() const = 0;

 protected:
  ~CostModel() = default;
};

}  // namespace regroup
