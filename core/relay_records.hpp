// What observers and journals are told, as bytes on their way to another thread.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/id_table.hpp"
#include "core/journal.hpp"
#include "core/names.hpp"
#include "core/observer.hpp"

namespace regroup {

// Bytes of calls, one after the other. Writing is the loop's part of the work and must be cheap:
// plain copies, a hundred bytes or two a call, into memory that is used again.
class CallWriter {
 public:
  explicit CallWriter(const NameTable<ClassId>& classes) : classes_(classes) {}

  std::size_t size() const { return bytes_.size(); }
  // Gives the bytes away, and takes memory to go on with.
  void exchange(std::vector<std::byte>& other) { bytes_.swap(other); }

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
  void put_text(std::string_view text);
  void put_group(const Group& group);
  void put_tasks(std::span<const Task* const> tasks);
  void put_launch(const Launch& launch);

  const NameTable<ClassId>& classes_;
  std::uint32_t classes_put_ = 0;
  std::vector<std::byte> bytes_;
};

// Makes the same calls again, in order, with the same arguments; of tasks only what does not change
// while they live. Either target may be absent if its calls do not occur.
class CallPlayer {
 public:
  void play(std::span<const std::byte> calls, Observer* observer, Journal* journal);
  // The classes of the requests that have arrived, by the same ids.
  const NameTable<ClassId>& classes() const { return classes_; }

 private:
  template <class Field>
  Field get();
  std::string_view get_text();
  Group get_group();
  void get_tasks();
  Launch get_launch();
  void play_one(Observer* observer, Journal* journal);
  void arrive(Observer& observer);
  void end_run(Observer& observer);

  std::span<const std::byte> left_;
  NameTable<ClassId> classes_;
  IdTable<RequestId, Request> requests_;  // those that have not ended
  std::vector<Task> tasks_;               // of the call
  std::vector<const Task*> pointers_;
};

}  // namespace regroup
