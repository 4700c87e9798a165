// The states (latents) of requests that one rank holds.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "regroup/policy/types.hpp"

namespace regroup::serve {

// The numbers of one request after one of its steps, wherever the rank's device keeps them. Never
// changed once made, so whoever still needs them shares them.
class StateData {
 public:
  virtual ~StateData() = default;
  virtual std::uint64_t bytes() const = 0;  // as they travel
};
using StateRef = std::shared_ptr<const StateData>;

// The state of one request after a number of steps of one of its stages. The version before is kept
// too: when a step fails half way, some ranks have done it and some have not, and all can go back.
struct State {
  int stage = -1;   // -1: there is no state
  int steps = 0;    // done of that stage
  StateRef data;    // after `steps`
  StateRef before;  // after steps - 1; or nothing

  // The numbers after `n` steps, or nothing if neither version is that.
  StateRef after(int n) const {
    if (n == steps) return data;
    if (n == steps - 1) return before;
    return nullptr;
  }
  // Whether a task can go on from here: the same stage with its steps done, or the stage before it.
  bool fits(int task_stage, int steps_done) const {
    if (stage < 0) return false;
    if (stage != task_stage) return steps_done == 0;
    return after(steps_done) != nullptr;
  }
};

// A group keeps the whole state at every member. Used by the rank's threads and the dispatcher;
// what find() gives stays where it is, and belongs to whoever runs the request.
class StateStore {
 public:
  State& find(RequestId request) {
    const std::lock_guard lock(mutex_);
    return states_[request];
  }
  // nullptr: none.
  State* look_up(RequestId request) {
    const std::lock_guard lock(mutex_);
    const auto found = states_.find(request);
    return found == states_.end() ? nullptr : &found->second;
  }
  void erase(RequestId request) {
    const std::lock_guard lock(mutex_);
    states_.erase(request);
  }

 private:
  std::mutex mutex_;
  std::map<RequestId, State> states_;
};

}  // namespace regroup::serve
