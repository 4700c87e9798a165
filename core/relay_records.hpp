// What an observer and a journal are told, as bytes on their way to another thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/id_table.hpp"
#include "core/journal.hpp"
#include "core/names.hpp"
#include "core/observer.hpp"

namespace regroup {

// Calls in order. Whatever has memory of its own lies beside the bytes.
struct CallBlock {
  std::vector<std::byte> bytes;
  std::vector<Request> requests;     // those that arrive, in order
  std::vector<std::string> classes;  // new ones, in order of their ids
  void clear();                      // keeps the memory
};

// Writing is the loop's part of the work and must be cheap: plain copies of a hundred bytes a call.
// One function for each of Observer's and Journal's.
class CallRecorder {
 public:
  // The table must outlive this.
  explicit CallRecorder(const NameTable<ClassId>& classes) : classes_(classes) {}

  // Where calls are added; may be exchanged for another one between two calls.
  CallBlock& block() { return block_; }

  void arrival(TimePoint at, const Request& request);
  void launch(TimePoint at, const Launch& launch);
  void preempt(TimePoint at, RunId run);
  void run_end(const RunRecord& run);
  void request_end(const RequestOutcome& outcome);
  void instant(TimePoint at, std::size_t ready_tasks, int idle_gpus);
  void end(TimePoint at);

  void journal_event(const Event& event);
  void journal_place(TimePoint at, const Launch& launch);
  void journal_preempt(TimePoint at, RunId run);
  void journal_reject(TimePoint at, RequestId request);
  void journal_wake(TimePoint at, TimePoint when);

 private:
  template <class... Fields>
  void put(const Fields&... fields);
  void put_group(const Group& group);
  void put_tasks(std::span<const Task* const> tasks);
  void put_launch(const Launch& launch);

  const NameTable<ClassId>& classes_;
  std::uint32_t classes_told_ = 0;
  CallBlock block_;
};

// Makes the same calls again. Tasks and requests are objects of its own: of a task all that does
// not change while it lives, as its request and its place in the call say; valid during the call.
class CallPlayer {
 public:
  // All must outlive this. Classes get the ids that they have in the recorder's table. The journal
  // may be nullptr if it is never called.
  CallPlayer(NameTable<ClassId>& classes, Observer& observer, Journal* journal)
      : classes_(classes), observer_(observer), journal_(journal) {}

  // Blocks in the order in which they were recorded; their requests are taken out. Throws what the
  // targets throw.
  void play(CallBlock& block);

 private:
  template <class Field>
  Field get();
  Group get_group();
  void get_tasks();
  Launch get_launch();
  void play_one(CallBlock& block);
  void arrive(TimePoint at, Request&& arriving);
  void end_run();
  void end_request();

  NameTable<ClassId>& classes_;
  Observer& observer_;
  Journal* journal_;
  IdTable<RequestId, Request> requests_;  // those that have not ended
  std::span<const std::byte> left_;       // of the block
  std::size_t arrived_ = 0;               // of its requests
  std::vector<Task> tasks_;               // of the call
  std::vector<const Task*> pointers_;
};

}  // namespace regroup
