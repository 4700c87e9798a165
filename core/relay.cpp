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
    if (drop) full_.clear();
  }
  work_.notify_one();
  if (thread_.joinable()) thread_.join();
}

// On the loop's thread.
void Relay::hand_over() {
  bool wake = false;
  {
    std::unique_lock lock(mutex_);
    if (empty_.empty()) room_.wait(lock, [&] { return empty_.size() >= kEnough || error_; });
    if (error_) std::rethrow_exception(error_);
    full_.push_back(std::exchange(recorder_.block(), std::move(empty_.back())));
    empty_.pop_back();
    wake = std::exchange(asleep_, false);
  }
  if (wake) work_.notify_one();
}

void Relay::pass_on() {
  for (std::vector<CallBlock> blocks;; blocks.clear()) {
    {
      std::unique_lock lock(mutex_);
      if (full_.empty()) work_.wait_for(lock, kNap, [&] { return last_; });
      asleep_ = full_.empty() && !last_;
      work_.wait(lock, [&] { return !full_.empty() || last_; });
      if (full_.empty()) return;
      blocks.swap(full_);
    }
    for (CallBlock& block : blocks)
      if (!pass_on(std::move(block))) return;
  }
}

bool Relay::pass_on(CallBlock block) {
  std::exception_ptr error;
  try {
    player_.play(block);
  } catch (...) {
    error = std::current_exception();
  }
  block.clear();
  bool enough = false;
  {
    const std::lock_guard lock(mutex_);
    empty_.push_back(std::move(block));
    error_ = error;
    enough = error || empty_.size() >= kEnough;
  }
  if (enough) room_.notify_one();
  return !error;
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
