#include "core/relay.hpp"

#include <system_error>
#include <utility>

#include "core/errors.hpp"

namespace regroup {

Relay::Relay(const NameTable<ClassId>& classes, NameTable<ClassId>& their_classes,
             Observer& observer)
    : recorder_(classes), player_(their_classes, observer), empty_(kBlocks - 1) {
  try {
    thread_ = std::thread([this] { pass_on(); });
  } catch (const std::system_error& error) {
    fail<SystemError>("cannot start the thread that writes results: {}", error.code().message());
  }
}

Relay::~Relay() { join(true); }

void Relay::finish() {
  hand_over();
  join(false);
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void Relay::join(bool drop) {
  {
    const std::lock_guard lock(mutex_);
    last_ = true;
    if (drop) full_ = {};
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// On the loop's thread.
void Relay::hand_over() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !empty_.empty() || error_; });
    if (error_) std::rethrow_exception(error_);
    full_.push(std::exchange(recorder_.block(), std::move(empty_.back())));
    empty_.pop_back();
  }
  changed_.notify_all();
}

void Relay::pass_on() {
  while (true) {
    CallBlock block;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return !full_.empty() || last_; });
      if (full_.empty()) return;
      block = std::move(full_.front());
      full_.pop();
    }
    std::exception_ptr error;
    try {
      player_.play(block);
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
  recorder_.arrival(at, request);
  recorded();
}

void Relay::on_launch(TimePoint at, const Launch& launch) {
  recorder_.launch(at, launch);
  recorded();
}

void Relay::on_preempt(TimePoint at, RunId run, std::span<const Task* const> tasks) {
  recorder_.preempt(at, run, tasks);
  recorded();
}

void Relay::on_run_end(const RunRecord& run) {
  recorder_.run_end(run);
  recorded();
}

void Relay::on_request_end(const RequestOutcome& outcome) {
  recorder_.request_end(outcome);
  recorded();
}

void Relay::on_gpu_failed(TimePoint at, GpuId gpu) {
  recorder_.gpu_failed(at, gpu);
  recorded();
}

void Relay::on_gpu_repaired(TimePoint at, GpuId gpu) {
  recorder_.gpu_repaired(at, gpu);
  recorded();
}

void Relay::on_wake(TimePoint at, TimePoint when) {
  recorder_.wake(at, when);
  recorded();
}

void Relay::on_instant(TimePoint at, std::size_t ready_tasks, int idle_gpus) {
  recorder_.instant(at, ready_tasks, idle_gpus);
  recorded();
}

void Relay::on_end(TimePoint at) {
  recorder_.end(at);
  recorded();
}

}  // namespace regroup
