// The machine under control. A simulated cluster and a real one differ only behind this interface.
#pragma once

#include <optional>
#include <span>

#include "regroup/policy/task.hpp"

namespace regroup {

// Where the time of one run went. All but `compute` come before the first step.
struct RunTimes {
  Duration dispatch{};  // from launch() to the start of anything
  Duration setup{};     // forming the group
  Duration migrate{};   // bringing latents to it
  Duration compute{};   // the steps, collectives included
  Duration total() const { return dispatch + setup + migrate + compute; }
  friend bool operator==(const RunTimes&, const RunTimes&) = default;
};

// A checked placement on its way to the backend. Tasks and group are valid during launch() only.
struct Launch {
  RunId run{};
  // Small and dense: index your own arrays by it. Used again once the run's end was reported.
  std::uint32_t slot = 0;
  std::span<const Task* const> tasks;  // one, or a batch of one model, shape and stage
  const Group& group;                  // idle; where each task's state lies is in task->group
  Layout layout{};
  int steps = 1;        // at least 1, at most the steps left of every task
  RunTimes expected{};  // by the cost model: what a simulated or virtual machine takes
  Duration step{};      // likewise, one step
};

struct Event {
  // In the order in which the loop takes in events of one instant (arrivals follow these, wakes
  // come last).
  enum class Kind : std::uint8_t { kRunEnded, kRunFailed, kGpuFailed, kGpuRepaired };
  Kind kind{};
  TimePoint at{};
  RunId run{};             // run events
  std::uint32_t slot = 0;  // run events: as launched
  int steps = 0;           // run events: steps done and kept
  RunTimes times{};        // run events
  GpuId gpu{};             // GPU events
  // A hint, so that what is known of it can be fetched in time: the slot of the run that will
  // probably end next. kNoSlot: nobody knows.
  static constexpr std::uint32_t kNoSlot = ~std::uint32_t{0};
  std::uint32_t next_slot = kNoSlot;
  friend bool operator==(const Event&, const Event&) = default;
};

class Backend {
 public:
  virtual ~Backend() = default;

  // Starts the work and returns at once; its end is reported by next_event(). Launches come with
  // run ids counting from 0.
  virtual void launch(const Launch& launch) = 0;

  // Ends the run, which was launched on that group, at its next step boundary at or after now, but
  // not before one step is done. Without effect on a run that has ended.
  virtual void preempt(RunId run, const Group& group) = 0;

  // THE place where time passes: returns the next event at or before `until`, or nothing once
  // `until` has come. Now is the instant of that event, or else `until`: exactly that, also on a
  // real clock that woke up a little late; no later event is earlier than it (a preempt() may cause
  // one at that very instant), nor is a later `until`. So the events alone, and their place among
  // the decisions, say how a run went, and a journal needs nothing else. A simulator jumps there; a
  // real backend waits. With until == kNever and nothing under way it returns nothing at once, and
  // time stands still.
  virtual std::optional<Event> next_event(TimePoint until) = 0;
};

}  // namespace regroup
