#include "core/relay.hpp"

#include <utility>

namespace regroup {

void Relay::start(Observer* observer, Journal* journal) {
  observer_ = observer;
  journal_ = journal;
  thread_ = std::thread([this] { pass_on(); });
}

void Relay::stop() {
  {
    const std::lock_guard lock(mutex_);
    full_.clear();
  }
  join();
}

void Relay::join() {
  {
    const std::lock_guard lock(mutex_);
    last_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Relay::finish() {
  hand_over();
  join();
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

// On the loop's thread.
void Relay::hand_over() {
  Block block;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return full_.size() < kBlocks || error_; });
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    if (!empty_.empty()) {
      block = std::move(empty_.back());
      empty_.pop_back();
    }
    writer_.exchange(block);
    full_.push_back(std::move(block));
  }
  changed_.notify_all();
}

// The thread.
void Relay::pass_on() {
  while (true) {
    Block block;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return !full_.empty() || last_; });
      if (full_.empty()) return;
      block = std::move(full_.front());
      full_.pop_front();
    }
    std::exception_ptr error;
    try {
      player_.play(block, observer_, journal_);
    } catch (...) {
      error = std::current_exception();
    }
    block.clear();
    {
      const std::lock_guard lock(mutex_);
      empty_.push_back(std::move(block));
      error_ = error;
    }
    changed_.notify_all();
    if (error) return;
  }
}

void Relay::on_arrival(TimePoint at, const Request& request) {
  writer_.arrival(at, request);
  written();
}
void Relay::on_launch(TimePoint at, const Launch& launch) {
  writer_.launch(at, launch);
  written();
}
void Relay::on_preempt(TimePoint at, RunId run) {
  writer_.preempt(at, run);
  written();
}
void Relay::on_run_end(const RunRecord& run) {
  writer_.run_end(run);
  written();
}
void Relay::on_request_end(const RequestOutcome& outcome) {
  writer_.request_end(outcome);
  written();
}
void Relay::on_instant(TimePoint at, std::size_t ready_tasks, int idle_gpus) {
  writer_.instant(at, ready_tasks, idle_gpus);
  written();
}
void Relay::on_end(TimePoint at) {
  writer_.end(at);
  written();
}

void Relay::event(const Event& event) {
  writer_.journal_event(event);
  written();
}
void Relay::place(TimePoint at, const Launch& launch) {
  writer_.journal_place(at, launch);
  written();
}
void Relay::preempt(TimePoint at, RunId run) {
  writer_.journal_preempt(at, run);
  written();
}
void Relay::reject(TimePoint at, RequestId request) {
  writer_.journal_reject(at, request);
  written();
}
void Relay::wake(TimePoint at, TimePoint when) {
  writer_.journal_wake(at, when);
  written();
}

}  // namespace regroup
