// Everything a control loop learned and decided, in order. Enough to run it again without its
// backend (see replayer.hpp), and to say where two runs part.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/journal_format.hpp"
#include "core/observer.hpp"

namespace regroup {

// Takes what a loop tells its observers as entries.
class Journal : public Observer {
 public:
  // Valid during the call.
  virtual void entry(const JournalEntry& entry) = 0;

  void on_launch(TimePoint at, const Launch& launch) final;
  void on_preempt(TimePoint at, RunId run, std::span<const Task* const> tasks) final;
  void on_run_end(const RunRecord& run) final;
  void on_request_end(const RequestOutcome& outcome) final;
  void on_gpu_failed(TimePoint at, GpuId gpu) final;
  void on_gpu_repaired(TimePoint at, GpuId gpu) final;
  void on_wake(TimePoint at, TimePoint when) final;

 private:
  void begin(JournalEntry::Kind kind, TimePoint at);

  JournalEntry entry_;  // kept for its memory
};

// Writes a journal as bytes; journal_format.hpp says how.
class JournalWriter final : public Journal {
 public:
  // The sink gets whole entries.
  explicit JournalWriter(std::function<void(std::string_view)> sink);

  // Times must not go back.
  void entry(const JournalEntry& entry) override;

 private:
  std::function<void(std::string_view)> sink_;
  journal_format::Context context_;
  std::string room_;  // for one entry
};

}  // namespace regroup
