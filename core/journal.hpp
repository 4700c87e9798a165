// Everything a control loop learned and decided, in order. Enough to run it again without its
// backend, and to say where two runs part.
#pragma once

#include <functional>
#include <istream>
#include <string>
#include <string_view>

#include "core/backend.hpp"
#include "core/errors.hpp"

namespace regroup {

// Text, one line an entry; times in nanoseconds:
//   # regroup journal v1
//   e <at> end|fail <run> <steps> <dispatch> <setup> <migrate> <compute>
//   e <at> gpu-failed|gpu-repaired <gpu>
//   d <at> place <run> <task>[,<task>...] <gpu>[,<gpu>...] <layout> <steps>
//   d <at> preempt <run> | reject <request> | wake <when>
class Journal {
 public:
  virtual ~Journal() = default;
  virtual void event(const Event& event) = 0;
  virtual void place(TimePoint at, const Launch& launch) = 0;
  virtual void preempt(TimePoint at, RunId run) = 0;
  virtual void reject(TimePoint at, RequestId request) = 0;
  virtual void wake(TimePoint at, TimePoint when) = 0;
};

// Writes lines, newline included, to `sink`.
class JournalWriter final : public Journal {
 public:
  explicit JournalWriter(std::function<void(std::string_view)> sink);

  void event(const Event& event) override;
  void place(TimePoint at, const Launch& launch) override;
  void preempt(TimePoint at, RunId run) override;
  void reject(TimePoint at, RequestId request) override;
  void wake(TimePoint at, TimePoint when) override;

 private:
  void begin(char kind, TimePoint at, std::string_view what);
  template <class... Numbers>
  void add(Numbers... numbers);  // each with a space in front
  void end();

  std::function<void(std::string_view)> sink_;
  std::string line_;  // kept for its memory
};

// The same loop decided otherwise than it did when the journal was written.
class JournalMismatch : public CheckFailed {
 public:
  using CheckFailed::CheckFailed;
};

// A backend that answers as a journal says; journal() compares every decision with it. The first
// difference throws JournalMismatch.
class Replayer final : public Backend {
 public:
  // `text` must outlive it. Throws ConfigError, naming the line, for text that is not a journal.
  Replayer(std::istream& text, std::string name);

  TimePoint now() const override { return now_; }
  void launch(const Launch&) override { ++under_way_; }
  void preempt(RunId) override {}
  std::optional<Event> next_event(TimePoint until) override;

  Journal& journal() { return writer_; }
  // After the run: throws JournalMismatch if the journal goes on.
  void check_finished() const;
  std::uint64_t decisions() const { return decisions_; }  // found equal so far

 private:
  void compare(std::string_view line);
  void advance();  // to the next line; empty at the end
  Event parse_event() const;

  std::istream& text_;
  std::string name_;
  std::string next_;
  std::uint64_t line_number_ = 0;
  std::uint64_t decisions_ = 0;
  std::int64_t under_way_ = 0;  // placements
  TimePoint now_{};
  JournalWriter writer_;  // last: it starts with the first line
};

}  // namespace regroup
