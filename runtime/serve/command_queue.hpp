// The bounded queue of one thread of a rank.
#pragma once

#include <deque>
#include <optional>

#include "runtime/serve/clock.hpp"

namespace regroup::serve {

// One thread pushes, one pops. A push never waits: the dispatcher makes sure that there is room in
// all the queues of a group before it pushes to the first, so that a placement reaches all of its
// members or none.
template <class Command>
class CommandQueue {
 public:
  CommandQueue(Clock& clock, std::size_t capacity) : clock_(clock), capacity_(capacity) {}

  bool has_room() {
    const std::lock_guard lock(monitor_.mutex);
    return queue_.size() < capacity_;
  }
  void push(Command command) {
    const std::lock_guard lock(monitor_.mutex);
    queue_.push_back(std::move(command));
    clock_.notify(monitor_);
  }
  // Waits for a command.
  Command pop() {
    std::unique_lock lock(monitor_.mutex);
    while (queue_.empty()) clock_.wait(monitor_, lock, kNever);
    Command command = std::move(queue_.front());
    queue_.pop_front();
    return command;
  }

 private:
  Clock& clock_;
  std::size_t capacity_;
  Monitor monitor_;
  std::deque<Command> queue_;
};

}  // namespace regroup::serve
