// Observers and journals on threads of their own: a run does not wait for its files.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "core/relay_records.hpp"

namespace regroup {

// Passes every call on to an observer or a journal (or both), on one thread of its own, in order
// and with the same arguments (of tasks: what does not change while they live). So what is written
// does not depend on threads. Nothing comes back, except that what a target throws leaves a later
// call of the loop, or finish(). Memory is bounded: where the targets are slower, the loop waits
// for them.
class Relay final : public Observer, public Journal {
 public:
  // The table must outlive this; it grows during the run.
  explicit Relay(const NameTable<ClassId>& classes) : writer_(classes) {}
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay() override { stop(); }

  // The classes as the targets must see them: the loop's own table is not theirs to read.
  const NameTable<ClassId>& classes() const { return player_.classes(); }
  // Once, before the first call. The targets must outlive this, and are not the caller's any more
  // until finish() has returned.
  void start(Observer* observer, Journal* journal);
  // Waits until everything has been passed on. Throws what a target threw.
  void finish();
  // Waits for the calls that are being passed on, and drops those after them: the targets are the
  // caller's again, and no more calls may come.
  void stop();

  void on_arrival(TimePoint at, const Request& request) override;
  void on_launch(TimePoint at, const Launch& launch) override;
  void on_preempt(TimePoint at, RunId run) override;
  void on_run_end(const RunRecord& run) override;
  void on_request_end(const RequestOutcome& outcome) override;
  void on_instant(TimePoint at, std::size_t ready_tasks, int idle_gpus) override;
  void on_end(TimePoint at) override;

  void event(const Event& event) override;
  void place(TimePoint at, const Launch& launch) override;
  void preempt(TimePoint at, RunId run) override;
  void reject(TimePoint at, RequestId request) override;
  void wake(TimePoint at, TimePoint when) override;

 private:
  using Block = std::vector<std::byte>;

  static constexpr std::size_t kBlockBytes = std::size_t{1} << 18;
  static constexpr std::size_t kBlocks = 4;  // that wait at most

  void written() {
    if (writer_.size() >= kBlockBytes) hand_over();
  }
  void hand_over();
  void pass_on();
  void join();

  CallWriter writer_;
  CallPlayer player_;  // the thread's, from start() to finish()
  Observer* observer_ = nullptr;
  Journal* journal_ = nullptr;

  std::mutex mutex_;  // for all below
  std::condition_variable changed_;
  std::deque<Block> full_;    // in order
  std::vector<Block> empty_;  // kept for their memory
  bool last_ = false;         // no more will come
  std::exception_ptr error_;
  std::thread thread_;
};

}  // namespace regroup
