// What an observer is told, as bytes on their way to another thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/errors.hpp"
#include "core/id_table.hpp"
#include "core/names.hpp"
#include "core/observer.hpp"

namespace regroup {

// Calls in order. Whatever has memory of its own lies beside the bytes.
class CallBlock {
 public:
  std::vector<Request> requests;     // those that arrive, in order
  std::vector<std::string> classes;  // new ones, in order of their ids

  std::size_t size() const { return size_; }
  std::span<const char> bytes() const { return {bytes_.get(), size_}; }
  // Room for so many more bytes, to be filled.
  char* add(std::size_t count) {
    if (room_ - size_ < count) grow(count);
    char* const place = bytes_.get() + size_;
    size_ += count;
    return place;
  }
  void clear();  // keeps the memory

 private:
  void grow(std::size_t count);

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0, room_ = 0;
};

// What both ends know, so that a call says only what is not as they would guess: memory is slow to
// go from one processor to another, and most launches are of the task, the group and the step time
// that they were the last time.
struct KnownCalls {
  // What does not depend on the group.
  struct Times {
    RunTimes expected;
    Duration step{};
    int steps = 0;
    Layout layout;
    friend bool operator==(const Times&, const Times&) = default;
  };
  struct Run {
    RunId run{};
    TimePoint launched{};
    Times times;
    Group group;
  };

  TimePoint at{};    // of the latest launch, end of a run, or instant
  RunId next_run{};  // after the latest launch
  std::size_t ready_tasks = 0;
  int idle_gpus = 0;
  std::vector<Run> runs;  // by the slot of their first task: the latest

  Run& run(std::uint32_t slot) {
    if (slot >= runs.size()) runs.resize(slot + 1);
    return runs[slot];
  }
};

// Writing is the loop's part of the work and must be cheap: some ten bytes a call. One function for
// each of Observer's.
class CallRecorder {
 public:
  // The table must outlive this.
  explicit CallRecorder(const NameTable<ClassId>& classes) : classes_(classes) {}

  // Where calls are added; may be exchanged for another one between two calls.
  CallBlock& block() { return block_; }

  void arrival(TimePoint at, const Request& request);
  void launch(TimePoint at, const Launch& launch);
  void preempt(TimePoint at, RunId run, std::span<const Task* const> tasks);
  void run_end(const RunRecord& run);
  void request_end(const RequestOutcome& outcome);
  void gpu_failed(TimePoint at, GpuId gpu);
  void gpu_repaired(TimePoint at, GpuId gpu);
  void wake(TimePoint at, TimePoint when);
  void instant(TimePoint at, std::size_t ready_tasks, int idle_gpus);
  void end(TimePoint at);

 private:
  template <class... Fields>
  void put(const Fields&... fields);
  void put_group(const Group& group);
  void put_task(const Task& task);
  bool is_told(const Task& task) const {
    return task.slot < tasks_told_.size() && tasks_told_[task.slot] == task.id;
  }

  const NameTable<ClassId>& classes_;
  std::uint32_t classes_told_ = 0;
  std::vector<TaskId> tasks_told_;  // by slot: the latest
  KnownCalls known_;
  CallBlock block_;
};

// Makes the same calls again. Tasks and requests are objects of its own: of a task all that does
// not change while it lives, as its request and its first launch say; valid during the call.
class CallPlayer {
 public:
  // Both must outlive this. Classes get the ids that they have in the recorder's table.
  CallPlayer(NameTable<ClassId>& classes, Observer& observer)
      : classes_(classes), observer_(observer) {}

  // Blocks in the order in which they were recorded; their requests are taken out. Throws what the
  // observer throws.
  void play(CallBlock& block);

 private:
  template <class Field>
  Field get();
  std::span<const char> take(std::size_t count) {
    RG_CHECK(left_.size() >= count, "a call is cut short: {} bytes", left_.size());
    const std::span<const char> taken = left_.first(count);
    left_ = left_.subspan(count);
    return taken;
  }
  Group get_group();
  const Task& get_task();
  void play_one(CallBlock& block);
  void arrive(TimePoint at, Request&& arriving);
  void launch();
  void end_run();
  void end_request();
  void instant();

  NameTable<ClassId>& classes_;
  Observer& observer_;
  IdRecords<RequestId, Request> requests_;  // those that have not ended
  std::deque<Task> tasks_;                  // by slot: the latest; so that they stay
  KnownCalls known_;
  std::vector<std::vector<const Task*>> run_tasks_;  // of known_.runs
  std::span<const char> left_;                       // of the block
  std::size_t arrived_ = 0;                          // of its requests
};

}  // namespace regroup
