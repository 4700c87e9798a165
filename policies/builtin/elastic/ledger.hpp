// All live tasks, in the orders in which elastic asks for them, kept up to date change by change.
#pragma once

#include <algorithm>
#include <memory_resource>
#include <set>
#include <utility>
#include <vector>

#include "policies/builtin/elastic/job_table.hpp"

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
  bool in_use(const Job& job);
  void request_done(RequestId request) { std::erase(promoted_, request); }
  // It runs now, on GPUs of `node`.
  void placed(Job& job, NodeId node, int gpus);

  // That task is in that slot still.
  bool is_live(std::uint32_t slot, TaskId id) const {
    return jobs_[slot].live && jobs_[slot].order.id == id;
  }
  // What is kept of a task, as of this call. The reference stays valid while the task lives.
  Job& at(const ClusterView& view, std::uint32_t slot);
  void save(Job& job, bool saved);
  // Saved for good: it comes before all others, and so do the later stages of its request.
  void promote(Job& job);
  // Calls f(job) for what is live of the promoted, most urgent first.
  template <class F>
  void for_each_promoted(const ClusterView& view, F f) {
    for (const DeadlineOrder& entry : promoted_jobs_) f(at(view, entry.slot));
  }
  // Its place among those that wait and are not saved.
  void set_rank(Job& job, double rank);

  const std::pmr::set<DeadlineOrder>& urgent() const { return urgent_; }  // waiting, saved
  const std::pmr::set<Rank>& others() const { return others_; }           // waiting, not saved
  const std::pmr::set<Due>& due() const { return due_; }                  // not saved
  std::size_t live() const { return live_count_; }
  // Rounds go through all that is live, most urgent first: calls f(job) for up to `most` more of
  // it. True: that was the last of this round, and the next time another begins. What becomes ready
  // during a round waits for the next one. f neither adds nor removes tasks.
  template <class F>
  bool go_round(const ClusterView& view, std::size_t most, F f);
  // It waits for GPUs that come together on that node.
  void reserve(Job& job, NodeId node);
  void drop_reservations();
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
  bool there(const DeadlineOrder& entry) const { return is_live(entry.slot, entry.id); }
  template <class F>
  void for_each_of(const Job& job, F f);
  void enqueue(Job& job);
  void dequeue(Job& job);
  void stop(Job& job);

  double starvation_;
  CurveTable curves_;
  TimePoint now_{};
  std::uint64_t call_ = 0;
  std::pmr::unsynchronized_pool_resource pool_;  // after warming up, nothing is allocated
  JobTable jobs_;
  // Sorted but for what came since the latest round; some are there no more. A round goes through
  // all of them, which in a tree would cost a cache miss each.
  std::vector<DeadlineOrder> live_;
  std::size_t sorted_ = 0;
  std::size_t live_count_ = 0;
  // A round merges what was sorted with what came since. Of both: where it is, and where it ends.
  struct Round {
    bool under_way = false;
    std::size_t sorted = 0, sorted_end = 0, since = 0, since_end = 0;
  };
  Round round_;
  std::vector<DeadlineOrder> merged_;  // what the round has gone through
  std::pmr::set<DeadlineOrder> urgent_{&pool_};
  std::pmr::set<Rank> others_{&pool_};
  std::pmr::set<Due> due_{&pool_};
  std::vector<RequestId> promoted_;
  std::pmr::set<DeadlineOrder> promoted_jobs_{&pool_};
  std::vector<std::uint32_t> reserved_;  // slots; some are not any more
  std::vector<std::vector<std::uint32_t>> runs_on_;
  std::vector<std::uint32_t> changed_;
  std::vector<std::uint64_t> changed_in_;  // by node: the latest call
  int loose_runs_ = 0;
};

// --- Short enough to stay here, as a policy is one object file.

inline void Ledger::begin(const ClusterView& view) {
  now_ = view.now();
  ++call_;
  changed_.clear();
  runs_on_.resize(view.nodes().size());
  changed_in_.resize(view.nodes().size());
}

// A task that waits is as it was when it became ready. A run goes on as expected until its boundary
// comes, so the host is asked for it once a step, not once a call.
inline Job& Ledger::at(const ClusterView& view, std::uint32_t slot) {
  Job& job = jobs_[slot];
  if (!job.running || job.call == call_) return job;
  job.call = call_;
  if (now_ >= job.boundary) {
    const Task& task = view.task(slot);
    const Progress progress = view.progress(task);
    const bool stepping = progress.step_end > now_;
    job.boundary = progress.step_end;
    job.steps = std::max(0, task.steps_total - progress.steps_done - (stepping ? 1 : 0));
  }
  job.until_boundary = to_seconds(job.boundary - now_);
  job.width = job.held;
  return job;
}

inline bool Ledger::ready(const ClusterView& view, const Task& task) {
  Job& job = jobs_.make(task.slot);
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
    live_.push_back(job.order);
    ++live_count_;
    if (!job.saved) due_.insert({job.due, task.id, task.slot});
    if (job.promoted) promoted_jobs_.insert(job.order);
  } else {
    stop(job);
  }
  job.steps = task.steps_left();
  job.until_boundary = 0;
  job.width = 0;
  enqueue(job);
  return is_new;
}

inline void Ledger::done(std::uint32_t slot) {
  Job& job = jobs_[slot];
  if (job.running)
    stop(job);
  else
    dequeue(job);
  --live_count_;
  if (!job.saved) due_.erase({job.due, job.order.id, slot});
  if (job.promoted) promoted_jobs_.erase(job.order);
  job.live = false;
}

template <class F>
bool Ledger::go_round(const ClusterView& view, std::size_t most, F f) {
  if (!round_.under_way) {
    round_ = {true, 0, sorted_, sorted_, live_.size()};
    std::sort(live_.begin() + static_cast<std::ptrdiff_t>(sorted_), live_.end());
    merged_.clear();
  }
  constexpr std::size_t kAhead = 8;
  for (; most > 0; --most) {
    const bool any_sorted = round_.sorted < round_.sorted_end;
    const bool any_since = round_.since < round_.since_end;
    if (!any_sorted && !any_since) break;
    const bool from_sorted =
        any_sorted && (!any_since || live_[round_.sorted] < live_[round_.since]);
    std::size_t& next = from_sorted ? round_.sorted : round_.since;
    if (next + kAhead < live_.size()) __builtin_prefetch(&jobs_[live_[next + kAhead].slot]);
    const DeadlineOrder entry = live_[next++];
    if (!there(entry)) continue;
    merged_.push_back(entry);
    f(at(view, entry.slot));
  }
  if (round_.sorted < round_.sorted_end || round_.since < round_.since_end) return false;
  sorted_ = merged_.size();
  merged_.insert(merged_.end(), live_.begin() + static_cast<std::ptrdiff_t>(round_.since_end),
                 live_.end());
  live_.swap(merged_);
  round_.under_way = false;
  return true;
}

// Calls f(task) for the tasks of the job's request. They stand together among the live, as they
// differ in nothing but the id.
template <class F>
void Ledger::for_each_of(const Job& job, F f) {
  DeadlineOrder like = job.order;
  like.id = {};
  like.slot = 0;
  const RequestId request = job.request;
  const auto is_of = [&](const DeadlineOrder& entry) {
    return there(entry) && jobs_[entry.slot].request == request;
  };
  const auto middle = live_.begin() + static_cast<std::ptrdiff_t>(sorted_);
  for (auto it = std::lower_bound(live_.begin(), middle, like);
       it != middle && it->arrival == like.arrival && it->deadline == like.deadline; ++it)
    if (is_of(*it)) f(it->slot);
  for (auto it = middle; it != live_.end(); ++it)
    if (is_of(*it)) f(it->slot);
}

inline void Ledger::given_up(const Job& job) {
  for_each_of(job, [&](std::uint32_t slot) { done(slot); });
}

inline bool Ledger::in_use(const Job& job) {
  bool in_use = false;
  for_each_of(job, [&](std::uint32_t slot) { in_use = in_use || jobs_[slot].running; });
  return in_use;
}

inline void Ledger::placed(Job& job, NodeId node, int gpus) {
  dequeue(job);
  job.running = true;
  job.node = node;
  job.held = gpus;
  job.boundary = TimePoint::min();  // not known yet
  job.call = call_;
  job.group.clear();
  if (!job.denoise) return;
  runs_on_[node.value].push_back(job.order.slot);
  loose_runs_ += !job.saved;
}

inline void Ledger::stop(Job& job) {
  if (!job.running) return;
  job.running = job.leaving = false;
  node_changed(job.node);
  if (!job.denoise) return;
  std::erase(runs_on_[job.node.value], job.order.slot);
  loose_runs_ -= !job.saved;
}

inline void Ledger::node_changed(NodeId node) {
  if (std::exchange(changed_in_[node.value], call_) != call_) changed_.push_back(node.value);
}

inline void Ledger::reserve(Job& job, NodeId node) {
  job.node = node;
  job.reserved = true;
  reserved_.push_back(job.order.slot);
}

inline void Ledger::drop_reservations() {
  for (const std::uint32_t slot : reserved_) jobs_[slot].reserved = false;
  reserved_.clear();
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
  promoted_jobs_.insert(job.order);
  if (!job.running) enqueue(job);
}

inline void Ledger::set_rank(Job& job, double rank) {
  const bool queued = !job.running && !job.saved;
  if (queued) dequeue(job);
  job.rank = rank;
  if (queued) enqueue(job);
}

}  // namespace regroup::elastic
