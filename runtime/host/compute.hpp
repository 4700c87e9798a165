// What a rank of the host does in a step.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/jitter.hpp"
#include "runtime/collectives/failure.hpp"
#include "runtime/serve/rank_device.hpp"

namespace regroup::host {

using serve::RankRun;
using serve::RunTask;
using serve::StepContext;

// One object for each rank, used by that rank's thread.
class Compute {
 public:
  virtual ~Compute() = default;

  // The state of a stage before its first step. `before` is that of the stage before it; empty for
  // the first. The same at every rank that calls it.
  virtual std::vector<std::byte> begin(const RunTask& task, std::span<const std::byte> before) = 0;
  // Does the work of the step, all of the group's ranks at the same time; `state` is that before
  // it, and afterwards that behind it. Anything but kOk: the step has failed.
  virtual collectives::Status step(const StepContext& context, const RunTask& task,
                                   std::vector<std::byte>& state) = 0;
  // Empty if the state can be that of the task after `steps`; else what is wrong with it.
  virtual std::string check(const RunTask& task, int steps,
                            std::span<const std::byte> state) const = 0;
};

// Waits as long as the cost model says; the state is a digest of what was done so far, so that a
// step that is lost, done twice or done on another request's state is found out.
std::unique_ptr<Compute> timed_compute(Jitter jitter);

}  // namespace regroup::host
