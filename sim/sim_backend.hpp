// Carries out placements on a modelled cluster.
#pragma once

#include <vector>

#include "core/cache_line.hpp"
#include "core/catalog.hpp"
#include "core/jitter.hpp"
#include "sim/event_queue.hpp"
#include "sim/turns.hpp"

namespace regroup::sim {

// A GPU that breaks, and is repaired (kNever: never).
struct Failure {
  GpuId gpu{};
  TimePoint at{};
  TimePoint repaired = kNever;
};

struct SimOptions {
  Jitter jitter{};
  std::vector<Failure> failures{};
};

// One placement takes dispatch + group set-up + migration, then its steps one after another, as
// the launch expects; it ends with its last step, or at the boundary that preempt() names. A run is
// two events in the heap at most, however many steps it has. Single-threaded.
//
// Where sources take part in migrations (Semantics), the migration and every step are pieces of
// work of their own; the first occupies the GPUs that the states come from, too. Each waits for its
// turn, which it has once its GPUs are as good as free (Semantics::queue_ahead). Migration and
// first step each take a dispatch, later steps follow without. A step whose turn has come is done,
// also if the run is preempted before it begins.
class SimBackend final : public Backend {
 public:
  // Throws ConfigError for a jitter that is negative or above 0.3, or a failure of no GPU.
  SimBackend(const Catalog& catalog, SimOptions options);

  void launch(const Launch& launch) override;
  void preempt(RunId run, const Group& group) override;
  std::optional<Event> next_event(TimePoint until) override;

 private:
  // What every run touches comes first: two lines.
  struct alignas(kCacheLine) Run {
    RunId id{};
    TimePoint launched{};
    TimePoint first_step{};  // kNever: not known yet
    Duration dispatch{}, setup{}, migrate{};
    Duration step{};            // without jitter
    int steps = 0;              // planned
    std::uint32_t version = 0;  // of the plan, also of earlier runs in the slot: see EventQueue
    RequestId request{};        // for jitter, with:
    int first_index = 0;        // the stage's number of the first step
    std::uint8_t stage = 0;
    Group group{};
    // Only where sources take part:
    bool in_line = false;
    int steps_begun = 0;  // their turn has come
    int steps_done = 0;
    std::vector<GpuId> migrating;  // all GPUs of a migration that is not done; else empty
  };

  Duration step_duration(const Run& run, int index) const;
  // When the first n steps are done.
  TimePoint boundary(const Run& run, int n) const;
  // The fewest steps, at least 1, whose end is not before `t`, and their end.
  std::pair<int, TimePoint> next_boundary(const Run& run, TimePoint t) const;
  void plan_end(std::uint32_t slot, std::uint32_t version, TimePoint at);
  // Where sources take part: the end of the run's piece of work whose turn has come.
  void plan_piece(std::uint32_t slot, TimePoint at);
  // What follows a piece of work that has ended. Nothing: the run goes on.
  std::optional<Event> end_piece(std::uint32_t slot);
  static std::span<const GpuId> gpus_of(const Run& run);
  void ask_for_turn(std::uint32_t slot);
  void take_turns();
  void leave(std::uint32_t slot);
  std::optional<Event> end(std::uint32_t slot, Event::Kind kind, int steps,
                           TimePoint compute_until);
  std::optional<Event> fail_gpu(GpuId gpu);

  SimOptions options_;
  TimePoint now_{};
  EventQueue queue_;
  std::optional<Turns> turns_;  // where sources take part; and with it:
  Duration queue_ahead_{};
  std::vector<TimePoint> free_from_;   // by GPU: when what it was given last ends
  bool someone_left_ = false;          // so that others may have their turn
  std::vector<Run> runs_;              // by the slot of the launch
  std::vector<std::uint32_t> on_gpu_;  // by GPU: the run's slot; Event::kNoSlot: idle
};

}  // namespace regroup::sim
