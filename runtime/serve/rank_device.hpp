// What a rank computes with, and how states reach it: the seam between the dispatcher, which is the
// same for all hardware, and a processor of one kind.
#pragma once

#include <string>

#include "runtime/collectives/world.hpp"
#include "runtime/serve/clock.hpp"
#include "runtime/serve/rank_run.hpp"
#include "runtime/serve/state_store.hpp"

namespace regroup::serve {

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

// One step of a run at one of its members.
struct StepContext {
  const RankRun& run;
  int member = 0;
  int index = 0;      // of the step within the run
  TimePoint begun{};  // when the step began
  Clock& clock;
  TimePoint deadline;  // for collectives
};

// One state on its way to the ranks of `group` that lack it; its first member sends.
struct Put {
  collectives::RankGroup group;
  std::uint64_t offset = 0;  // in the receivers' windows, bytes
  StateRef data;
};

// One object for each rank. Where a function can fail it returns nothing (or false) and says in
// `why`, in one sentence that names the rank, what happened.
class RankDevice {
 public:
  virtual ~RankDevice() = default;

  // On the rank's thread, before anything else; attach_sender() on its sending thread.
  virtual void attach() {}
  virtual void attach_sender() {}

  // On the rank's thread.
  // The state of a stage before its first step. `before` is that of the stage before it; nothing
  // for the first. The same at every rank that calls it.
  virtual StateRef begin(const RunTask& task, const StateRef& before) = 0;
  // Does the work of the step, all of the group's ranks at the same time, and returns the state
  // behind it; `now` is that before it and stays.
  virtual StateRef step(const StepContext& context, const RunTask& task, const StateRef& now,
                        std::string& why) = 0;
  // Empty if the state can be that of the task after `steps`; else what is wrong with it.
  virtual std::string check(const RunTask& task, int steps, const StateRef& state) = 0;
  // A copy that can be used when this rank is gone: by begin(), step() and put() of any rank.
  virtual StateRef snapshot(const StateRef& state) = 0;
  // The state with one of its bytes changed, to see that this is found.
  virtual StateRef corrupted(const StateRef& state) = 0;
  // The state that the task was promised (RunTask::put), once it is there.
  virtual StateRef await_put(const RunTask& task, TimePoint deadline, std::string& why) = 0;

  // On the sending thread. A failure is the receivers' to report: they wait for this.
  virtual void put(const Put& order, TimePoint deadline) = 0;
};

}  // namespace regroup::serve
