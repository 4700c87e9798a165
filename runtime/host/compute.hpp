// What a rank does in a step.
#pragma once

#include <memory>
#include <string>

#include "core/jitter.hpp"
#include "runtime/collectives/collectives.hpp"
#include "runtime/host/clock.hpp"
#include "runtime/host/host_run.hpp"
#include "runtime/host/state_store.hpp"

namespace regroup::host {

// How ranks look at memory while they wait for each other.
struct Look {
  Clock* clock;
  TimePoint deadline;
  bool first = true;
  void operator()() {
    clock->look_again(first, deadline);
    first = false;
  }
};
struct ClockReading {
  Clock* clock;
  std::int64_t operator()() const { return clock->now().time_since_epoch().count(); }
};
using Barrier = collectives::Collectives<Look, ClockReading>;

// One step of a run at one of its members.
struct StepContext {
  const HostRun& run;
  int member = 0;
  int index = 0;      // of the step within the run
  TimePoint begun{};  // when the step began
  Clock& clock;
  collectives::World& world;
  TimePoint deadline;  // for collectives
};

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
