// A recorded run, run again without its machine.
#pragma once

#include <istream>
#include <map>
#include <optional>
#include <string>

#include "core/errors.hpp"
#include "core/journal.hpp"
#include "core/journal_reader.hpp"

namespace regroup {

// The same loop decided otherwise than it did when the journal was written.
class JournalMismatch : public CheckFailed {
 public:
  using CheckFailed::CheckFailed;
};

// A backend that answers as a journal says; check() compares every decision with it. The first
// difference throws JournalMismatch.
class Replayer final : public Backend {
 public:
  // A cluster of that many GPUs. `bytes` must outlive this. ConfigError, from here and every
  // function, for what is not a journal, or not one of such a run.
  Replayer(std::istream& bytes, std::string name, std::size_t gpus);

  void launch(const Launch& launch) override {
    under_way_[launch.run] = {launch.slot, launch.steps};
  }
  void preempt(RunId, const Group&) override {}
  std::optional<Event> next_event(TimePoint until) override;

  // To be told of the run, before any other observer.
  Observer& check() { return check_; }
  // After the run: throws JournalMismatch if the journal goes on.
  void check_finished() const;
  std::uint64_t decisions() const { return decisions_; }  // found equal so far

 private:
  class Check final : public Journal {
   public:
    explicit Check(Replayer& replayer) : replayer_(replayer) {}
    void entry(const JournalEntry& entry) override { replayer_.compare(entry); }

   private:
    Replayer& replayer_;
  };

  void compare(const JournalEntry& now);
  void advance();
  Event event();
  std::string next_text() const;
  std::uint64_t line() const;

  JournalReader reader_;
  std::size_t gpus_;
  JournalEntry next_;
  bool more_ = true;  // `next_` is there
  std::uint64_t decisions_ = 0;
  struct Placement {
    std::uint32_t slot = 0;
    int steps = 0;  // asked for
  };
  std::map<RunId, Placement> under_way_;
  Check check_{*this};
};

}  // namespace regroup
