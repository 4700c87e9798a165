// Everything the control loop knows, shown to the policy as a ClusterView.
#pragma once

#include <array>
#include <memory_resource>
#include <utility>
#include <vector>

#include "core/cache_line.hpp"
#include "core/catalog.hpp"
#include "core/names.hpp"
#include "core/observer.hpp"
#include "core/slots.hpp"
#include "regroup/policy/idle_gpus.hpp"

namespace regroup {

struct LiveTask;

// A request between its arrival and its end. What every run touches comes first: two lines.
struct alignas(kCacheLine) LiveRequest {
  RequestOutcome outcome;
  int running_tasks = 0;
  std::uint16_t stages_done = 0;                          // bit i: stage i
  std::uint16_t stages_live = 0;                          // bit i: stage i has a task
  std::array<LiveTask*, StageGraph::kMaxStages> tasks{};  // by stage, if it is live
  std::uint32_t slot = 0;
  Request request;
};

// What the loop knows of a task beside what it shows.
struct TaskRecord {
  LiveRequest* owner = nullptr;
  std::uint64_t decided_in = 0;  // the checker's latest call that placed or rejected it
  TaskSet* shown_in = nullptr;   // ready_, running_, or neither yet
  std::uint32_t run_slot = 0;    // running: of its run
  bool moved = false;            // is in moved_
  bool gone = false;             // it is no more, but its slot is nobody else's yet
};
// Every Task of a World is one of these. What every run touches is three lines: a task ends with
// all the members that its group could have, so its record comes before it.
struct alignas(kCacheLine) LiveTask : TaskRecord, Task {};

// One launched placement under way; its group and layout are those of its tasks.
struct alignas(kCacheLine) LiveRun {
  Task* first = nullptr;
  std::vector<Task*> batch;  // all of them, if there are several
  int steps = 0;             // asked for
  bool setup_needed = false;
  bool preempting = false;
  TimePoint launched{};
  TimePoint first_step{};  // expected
  Duration step{};         // expected

  std::span<Task* const> tasks() const {
    return batch.empty() ? std::span(&first, 1) : std::span<Task* const>(batch);
  }
};

// Slots of tasks and requests are reused, so that memory follows what is live, not the trace; what
// is in one stays at its address. Single-threaded. Only ControlLoop changes it.
class World final : public ClusterView {
 public:
  World(const Catalog& catalog, const NameTable<ClassId>& classes);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // --- ClusterView
  TimePoint now() const override { return now_; }
  std::span<const Gpu> gpus() const override { return gpus_; }
  std::span<const Node> nodes() const override { return catalog_.nodes(); }
  const TaskSet& ready() const override { return up_to_date(ready_); }
  const TaskSet& running() const override { return up_to_date(running_); }
  std::span<const Change> changes() const override { return changes_; }
  const Task& task(std::uint32_t slot) const override { return tasks_[slot]; }
  Progress progress(const Task& task) const override;
  const CostModel& cost() const override { return cost_; }
  std::string_view name(ModelId model) const override { return catalog_.model_name(model); }
  std::string_view name(ClassId request_class) const override {
    return classes_.name(request_class);
  }

  // --- for the checker
  // What is idle, less what a decision of the current call has been promised: add_run() finds its
  // GPUs taken already.
  IdleGpus& idle() { return idle_; }
  const IdleGpus& idle() const { return idle_; }
  // The live task that a policy's (possibly stale) copy means, or nullptr.
  LiveTask* live(const Task& claimed) const {
    if (claimed.slot >= tasks_.size()) return nullptr;
    LiveTask& task = tasks_[claimed.slot];
    return task.id == claimed.id && !task.gone ? &task : nullptr;
  }
  // Of one of this world's own tasks.
  static LiveRequest& owner(const Task& task) { return *static_cast<const LiveTask&>(task).owner; }
  std::size_t live_requests() const { return live_requests_; }
  std::size_t live_runs() const { return live_runs_; }
  std::size_t ready_count() const { return live_tasks_ - running_tasks_; }
  bool any_gpu_working() const { return failed_gpus_ < gpus_.size(); }

  // --- for the loop
  void set_now(TimePoint now) { now_ = now; }
  // The policy has been told of them. Only now may slots of tasks that are gone be used again, so
  // that no two tasks of one call have the same.
  void clear_changes();
  void note(const Change& change) { changes_.push_back(change); }

  LiveRequest& add_request(Request&& request);
  // With its tasks.
  void remove_request(LiveRequest& request);

  void add_task(LiveRequest& owner, std::size_t stage, const Group& state, Layout layout);
  // It can be read until clear_changes().
  void remove_task(LiveTask& task);
  // Live requests, ascending by id.
  std::vector<LiveRequest*> all_requests();

  // For a run that is about to be launched.
  std::uint32_t take_run_slot() { return runs_.take(); }
  LiveRun& add_run(const Launch& launch);
  // That a running task belongs to.
  LiveRun& run_of(const Task& task) { return runs_[tasks_[task.slot].run_slot]; }
  const LiveRun& run_of(const Task& task) const { return runs_[tasks_[task.slot].run_slot]; }
  // GPUs become idle (unless they failed), tasks ready with their steps counted. Gives what is
  // known of the run, which is under way no more; valid until its slot is taken again. Checks that
  // it was, and had so many steps.
  const LiveRun& end_run(const Event& event);
  // Has what the end of that run will touch fetched. Any number will do.
  void fetch_run(std::uint32_t slot) const;

  void fail_gpu(GpuId gpu);
  void repair_gpu(GpuId gpu);

 private:
  bool under_way(RunId run, std::uint32_t slot) const;
  // Most policies live on changes() alone, so the sets are put right only when somebody looks:
  // a task that ends a step and begins the next one in between costs nothing.
  const TaskSet& up_to_date(const TaskSet& set) const;
  void move(LiveTask& task) {
    if (!std::exchange(task.moved, true)) moved_.push_back(&task);
  }

  const Catalog& catalog_;
  const CostModel& cost_;
  const NameTable<ClassId>& classes_;
  // The sets take their nodes from here: after warming up, nothing is allocated.
  std::pmr::unsynchronized_pool_resource pool_;

  TimePoint now_{};
  std::vector<Gpu> gpus_;
  IdleGpus idle_;
  std::size_t failed_gpus_ = 0;
  mutable Slots<LiveTask> tasks_;
  std::vector<std::uint32_t> gone_;  // slots of tasks whose end is news
  std::uint64_t next_task_id_ = 0;
  Slots<LiveRequest> requests_;
  std::vector<bool> request_live_;
  std::size_t live_requests_ = 0;
  Slots<LiveRun> runs_;
  // By run's slot: where its first task lies, so that nothing else has to be read to fetch it.
  struct RunPlace {
    const LiveTask* task = nullptr;
    const LiveRequest* owner = nullptr;
  };
  std::vector<RunPlace> run_places_;
  std::size_t live_runs_ = 0;
  std::size_t live_tasks_ = 0;
  std::size_t running_tasks_ = 0;
  mutable TaskSet ready_{&pool_};
  mutable TaskSet running_{&pool_};
  mutable std::vector<LiveTask*> moved_;  // that may be in the wrong set
  std::vector<Change> changes_;
};

}  // namespace regroup
