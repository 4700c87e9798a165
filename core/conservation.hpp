// Watches that a run neither loses nor invents requests, steps or GPU time.
#pragma once

#include <optional>
#include <vector>

#include "core/id_table.hpp"
#include "core/observer.hpp"

namespace regroup {

// Part of every run. Throws InternalError, saying what and when, at the first broken rule:
//   - time never goes back
//   - a GPU never runs two runs at once; a run that ends was launched, then and on that group
//   - the parts of a run's time add up to its length exactly
//   - every request that arrived ends exactly once, with nothing of it running; nothing else ends
//   - a finished request has done all its denoising steps, and none has done more
//   - the GPU time charged to requests adds up to the time that the GPUs were busy
//   - nothing is left running or unended when the run ends
// Cost: O(group size) an event, of which none allocates; constant memory a live request and a
// running run.
class Conservation final : public Observer {
 public:
  explicit Conservation(std::size_t gpus);

  void on_arrival(TimePoint at, const Request& request) override;
  void on_launch(TimePoint at, const Launch& launch) override;
  void on_preempt(TimePoint at, RunId run, std::span<const Task* const> tasks) override;
  void on_run_end(const RunRecord& run) override;
  void on_request_end(const RequestOutcome& outcome) override;
  void on_instant(TimePoint at, std::size_t ready_tasks, int idle_gpus) override;
  void on_end(TimePoint at) override;

 private:
  struct Live {
    int steps_left = 0;  // of denoising
    int running = 0;     // its tasks that run
  };
  static constexpr RunId kNoRun{~std::uint64_t{0}};
  struct Running {
    TimePoint launched{};
    std::uint32_t gpus = 0;
    std::uint32_t tasks = 0;
  };

  void pass(TimePoint at);
  Live& live(RequestId request, const char* what);
  // Throws for a GPU that there is not.
  void check(GpuId gpu, RunId run) const;
  // Frees its GPUs, if they are as it was launched on them.
  void release(const RunRecord& run);
  [[noreturn]] void not_as_launched(const RunRecord& run) const;

  // By GPU. The run is apart, so that those of a group are fetched together.
  std::vector<RunId> run_on_;         // kNoRun: idle
  std::vector<std::uint8_t> rank_;    // in that run's group
  std::vector<Running> begins_here_;  // what rank 0 knows of that run
  Duration busy_{};                   // of all GPUs, in runs that have ended
  IdTable<RequestId, Live> live_;
  std::size_t running_ = 0;  // runs
  std::optional<RunId> last_launched_;
  std::optional<RequestId> last_arrived_;
  TimePoint now_{};
  double charged_s_ = 0;  // GPU seconds of ended requests
};

}  // namespace regroup
