// All live tasks, in the orders in which elastic asks for them, kept up to date change by change.
#pragma once

#include <deque>
#include <memory_resource>
#include <set>
#include <vector>

#include "policies/builtin/elastic/job.hpp"

namespace regroup::elastic {

class Ledger {
 public:
  struct Rank {
    double rank;
    TaskId id;
    std::uint32_t slot;
    bool operator<(const Rank& o) const {  // larger rank first
      return rank != o.rank ? rank > o.rank : id < o.id;
    }
  };
  struct Due {
    TimePoint at;
    TaskId id;
    std::uint32_t slot;
    auto operator<=>(const Due&) const = default;
  };

  // A request has waited too long after `starvation` times its own length.
  explicit Ledger(double starvation) : starvation_(starvation) {}

  // Each call begins with this; then all changes are taken in, in order.
  void begin(const ClusterView& view);
  // The task is ready: for the first time (true) or again. It waits from now on, not to be saved
  // if it is new; see save().
  bool ready(const ClusterView& view, const Task& task);
  void done(std::uint32_t slot);
  // Its request was given up, with all its tasks.
  void given_up(const Job& job);
  // A task of its request runs.
  bool in_use(const Job& job) const;
  void request_done(RequestId request) { std::erase(promoted_, request); }
  // It runs now, on GPUs of `node`.
  void placed(Job& job, NodeId node, int gpus);

  // What is kept of a task, as of this call. Valid as long as the task lives.
  Job& at(const ClusterView& view, std::uint32_t slot);
  void save(Job& job, bool saved);
  // Saved for good: it comes before all others, and so do the later stages of its request.
  void promote(Job& job);
  // Its place among those that wait and are not saved.
  void set_rank(Job& job, double rank);

  const std::pmr::set<DeadlineOrder>& live() const { return live_; }      // all
  const std::pmr::set<DeadlineOrder>& urgent() const { return urgent_; }  // waiting, saved
  const std::pmr::set<Rank>& others() const { return others_; }           // waiting, not saved
  const std::pmr::set<Due>& due() const { return due_; }                  // not saved
  // Denoising runs, by node.
  std::vector<std::uint32_t>& runs_on(std::size_t node) { return runs_on_[node]; }
  std::size_t nodes() const { return runs_on_.size(); }
  // Denoising runs of requests that are not saved.
  int loose_runs() const { return loose_runs_; }
  // Nodes where something ended in this call, each once.
  const std::vector<std::uint32_t>& changed_nodes() const { return changed_; }
  void node_changed(NodeId node);

 private:
  static DeadlineOrder urgency(const Job& job) {
    DeadlineOrder order = job.order;
    if (job.promoted) order.deadline = TimePoint::min();
    return order;
  }
  auto first_like(const Job& job) const;
  void enqueue(Job& job);
  void dequeue(Job& job);
  void stop(Job& job);

  double starvation_;
  CurveTable curves_;
  TimePoint now_{};
  std::uint64_t call_ = 0;
  std::pmr::unsynchronized_pool_resource pool_;  // after warming up, nothing is allocated
  std::deque<Job> jobs_;                         // by slot; a deque: references stay
  std::pmr::set<DeadlineOrder> live_{&pool_};
  std::pmr::set<DeadlineOrder> urgent_{&pool_};
  std::pmr::set<Rank> others_{&pool_};
  std::pmr::set<Due> due_{&pool_};
  std::vector<RequestId> promoted_;
  std::vector<std::vector<std::uint32_t>> runs_on_;
  std::vector<std::uint32_t> changed_;
  int loose_runs_ = 0;
};

// --- Short enough to stay here, as a policy is one object file.

inline void Ledger::begin(const ClusterView& view) {
  now_ = view.now();
  ++call_;
  changed_.clear();
  runs_on_.resize(view.nodes().size());
}

inline Job& Ledger::at(const ClusterView& view, std::uint32_t slot) {
  Job& job = jobs_[slot];
  if (job.call == call_) return job;
  const Task& task = view.task(slot);
  job.call = call_;
  job.group.clear();
  job.width = 0;
  job.leaving = false;
  job.until_boundary = 0;
  job.steps = task.steps_left();
  if (!job.running) return job;
  const Progress progress = view.progress(task);
  const bool stepping = progress.step_end > now_;
  job.until_boundary = to_seconds(progress.step_end - now_);
  job.steps = std::max(0, task.steps_total - progress.steps_done - (stepping ? 1 : 0));
  job.width = job.held;
  job.leaving = task.preempting;
  return job;
}

inline bool Ledger::ready(const ClusterView& view, const Task& task) {
  while (jobs_.size() <= task.slot) jobs_.emplace_back();
  Job& job = jobs_[task.slot];
  const bool is_new = !job.live || job.order.id != task.id;
  if (is_new) {
    job = Job{};
    job.order = DeadlineOrder(task);
    job.request = task.request;
    job.live = true;
    job.denoise = task.kind == StageKind::kDenoise;
    job.curve = &curves_.of(view, task);
    constexpr double kCentury = 3e9;  // seconds; the timeline ends after three
    job.due = task.arrival + from_seconds(std::min(starvation_ * job.curve->alone, kCentury));
    job.promoted = std::ranges::find(promoted_, task.request) != promoted_.end();
    job.saved = job.promoted;
    live_.insert(job.order);
    if (!job.saved) due_.insert({job.due, task.id, task.slot});
  } else {
    stop(job);
    job.call = 0;
  }
  at(view, task.slot);
  enqueue(job);
  return is_new;
}

inline void Ledger::done(std::uint32_t slot) {
  Job& job = jobs_[slot];
  if (job.running)
    stop(job);
  else
    dequeue(job);
  live_.erase(job.order);
  if (!job.saved) due_.erase({job.due, job.order.id, slot});
  job.live = false;
}

// The tasks of a request stand together among the live: they differ in nothing but the id.
inline auto Ledger::first_like(const Job& job) const {
  DeadlineOrder first = job.order;
  first.id = {};
  first.slot = 0;
  return live_.lower_bound(first);
}

inline void Ledger::given_up(const Job& job) {
  const DeadlineOrder like = job.order;
  const RequestId request = job.request;
  for (auto it = first_like(job);
       it != live_.end() && it->arrival == like.arrival && it->deadline == like.deadline;) {
    const std::uint32_t slot = (it++)->slot;
    if (jobs_[slot].request == request) done(slot);
  }
}

inline bool Ledger::in_use(const Job& job) const {
  for (auto it = first_like(job);
       it != live_.end() && it->arrival == job.order.arrival && it->deadline == job.order.deadline;
       ++it)
    if (jobs_[it->slot].request == job.request && jobs_[it->slot].running) return true;
  return false;
}

inline void Ledger::placed(Job& job, NodeId node, int gpus) {
  dequeue(job);
  job.running = true;
  job.node = node;
  job.held = gpus;
  if (!job.denoise) return;
  runs_on_[node.value].push_back(job.order.slot);
  loose_runs_ += !job.saved;
}

inline void Ledger::stop(Job& job) {
  if (!job.running) return;
  job.running = false;
  node_changed(job.node);
  if (!job.denoise) return;
  std::erase(runs_on_[job.node.value], job.order.slot);
  loose_runs_ -= !job.saved;
}

inline void Ledger::node_changed(NodeId node) {
  if (std::ranges::find(changed_, node.value) == changed_.end()) changed_.push_back(node.value);
}

inline void Ledger::enqueue(Job& job) {
  if (job.saved)
    urgent_.insert(urgency(job));
  else
    others_.insert({job.rank, job.order.id, job.order.slot});
}

inline void Ledger::dequeue(Job& job) {
  if (job.saved)
    urgent_.erase(urgency(job));
  else
    others_.erase({job.rank, job.order.id, job.order.slot});
  job.reserved = false;
}

inline void Ledger::save(Job& job, bool saved) {
  if (job.saved == saved || job.promoted) return;
  if (!job.running) dequeue(job);
  job.saved = saved;
  if (saved)
    due_.erase({job.due, job.order.id, job.order.slot});
  else
    due_.insert({job.due, job.order.id, job.order.slot});
  if (job.movable()) loose_runs_ += saved ? -1 : 1;
  if (!job.running) enqueue(job);
}

inline void Ledger::promote(Job& job) {
  if (!job.running) dequeue(job);
  if (!job.saved) due_.erase({job.due, job.order.id, job.order.slot});
  if (job.movable() && !job.saved) --loose_runs_;
  job.saved = job.promoted = true;
  promoted_.push_back(job.request);
  if (!job.running) enqueue(job);
}

inline void Ledger::set_rank(Job& job, double rank) {
  const bool queued = !job.running && !job.saved;
  if (queued) dequeue(job);
  job.rank = rank;
  if (queued) enqueue(job);
}

}  // namespace regroup::elastic
