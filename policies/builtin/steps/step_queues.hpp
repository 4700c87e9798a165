// Who waits, for the preemptive policies of GF-DiT (arXiv 2606.13501): by node, and whether set
// aside.
#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "policies/builtin/steps/node_agenda.hpp"
#include "policies/builtin/steps/node_masks.hpp"
#include "policies/builtin/steps/service_classes.hpp"

namespace regroup {

// A request under way.
struct QueuedRequest {
  ServiceClass service{};
  int priority = 0;
  double alone_s = 0;  // T_single: all of it on one GPU
  TimePoint arrival{};
  TimePoint deadline = kNever;
  Group window{};                   // what it had last; single-GPU stages run on its first GPU
  TimePoint paused_since = kNever;  // kNever: not set aside
};

// More important first (if that is the order), then the earlier deadline, then as they came.
struct WaitingKey {
  int less_important = 0;
  TimePoint deadline{};
  RequestId request{};
  TaskId task{};
  std::uint32_t slot = 0;
  auto operator<=>(const WaitingKey&) const = default;
};

// The ready tasks of one node, or those that are free to go to any.
struct WaitingTasks {
  std::set<WaitingKey> open;                          // never set aside
  std::set<WaitingKey> fresh;                         // may be, but has not been
  std::set<std::pair<TimePoint, WaitingKey>> paused;  // by since when

  bool empty() const { return open.empty() && fresh.empty() && paused.empty(); }
  // Since when the first of those is set aside that are so since after `time`. kNever: there is
  // none.
  TimePoint set_aside_after(TimePoint time) const {
    constexpr WaitingKey kBeforeAll{.less_important = std::numeric_limits<int>::min()};
    const auto first = paused.lower_bound({time + Duration{1}, kBeforeAll});
    return first == paused.end() ? kNever : first->first;
  }
};

// A request goes where it likes until it has run; then it stays on that node, as long as enough of
// the node works. Nodes whose queue or GPUs change are touched in the agenda.
// Cost: O(log waiting) a change; a failure or repair O(waiting log waiting).
class StepQueues {
 public:
  // Either the more important or the earlier deadline comes first.
  enum class Order { kImportance, kDeadline };

  StepQueues(const Params& params, Order order) : classes_(params), order_(order) {}

  // Call it first in every decide().
  void begin(const ClusterView& view) {
    nodes_.update(view);
    if (queues_.empty()) open(view);
    for (const Change& change : view.changes())
      if (change.kind == Change::Kind::kGpuFailed || change.kind == Change::Kind::kGpuRepaired)
        return requeue_all(view);
  }

  // Call it with every change; `ended(request)` for a request that ended.
  template <class Ended>
  void update(const ClusterView& view, const Change& change, Ended ended) {
    switch (change.kind) {
      case Change::Kind::kTaskReady:
        end_run(change);
        enqueue(view, *change.task);
        break;
      case Change::Kind::kTaskDone:
        end_run(change);
        break;
      case Change::Kind::kRequestDone: {
        const auto found = live_.find(change.request);
        if (found == live_.end()) return;
        ended(found->second);
        --count_[found->second.service];
        live_.erase(found);
        break;
      }
      case Change::Kind::kGpuFailed:
      case Change::Kind::kGpuRepaired:
        agenda_.touch(nodes_.node_of(change.gpu));
        break;
      case Change::Kind::kWoke:
        break;
    }
  }

  const NodeMasks& nodes() const { return nodes_; }
  NodeAgenda& agenda() { return agenda_; }
  const WaitingTasks& of_node(std::size_t node) const { return queues_[node]; }
  const WaitingTasks& anywhere() const { return queues_.back(); }
  // Another number whenever anywhere() is not what it was.
  std::uint64_t anywhere_version() const { return anywhere_version_; }
  // The request of a task that is ready or runs.
  const QueuedRequest& live(const Task& task) const { return *places_[task.slot].request; }
  int live_of(ServiceClass c) const { return count_[c]; }

  // Marks all that may be set aside as set aside since `now`.
  void set_aside(TimePoint now) {
    for (const std::size_t home : with_fresh_) {
      WaitingTasks& queue = queues_[home];
      for (const WaitingKey& key : queue.fresh) {
        QueuedRequest& request = *places_[key.slot].request;
        if (request.paused_since == kNever) request.paused_since = now;
        queue.paused.emplace(request.paused_since, key);
      }
      queue.fresh.clear();
      changed(home);
      touch(home);
    }
    with_fresh_.clear();
  }
  // Touches the nodes where somebody is, or may be, set aside.
  void touch_pausable() {
    for (const std::size_t home : with_fresh_) touch(home);
    for (const auto& [since, home] : longest_aside_) touch(home);
  }
  // Of those who have been set aside longest, each on its node: since when the one who comes first
  // after `time`. kNever: there is none.
  TimePoint longest_aside_after(TimePoint time) const {
    const auto first = longest_aside_.lower_bound({time + Duration{1}, 0});
    return first == longest_aside_.end() ? kNever : first->first;
  }
  bool anybody_aside() const { return !longest_aside_.empty(); }

  // The task has been placed; its request has this window now, and is not set aside.
  // That is part of the plan of a node, which needs no other for it.
  void placed(const Task& task, const Group& window) {
    Place& place = places_[task.slot];
    dequeue(task, place);
    place.request->window = window;
    place.request->paused_since = kNever;
    place.running = task.id;
    place.home = nodes_.node_of(window[0]);
  }

 private:
  // Of a task.
  struct Place {
    QueuedRequest* request = nullptr;
    std::size_t home = 0;  // ready: its queue; running: its node
    TaskId running = kNoTask;
  };
  static constexpr TaskId kNoTask{~std::uint64_t{0}};

  void open(const ClusterView& view) {
    queues_.resize(nodes_.size() + 1);
    longest_.resize(nodes_.size() + 1, kNever);
    agenda_.touch_all(view.nodes().size());
  }

  WaitingKey key_of(const Task& task, const QueuedRequest& request) const {
    const int less_important = order_ == Order::kImportance ? -request.priority : 0;
    return {less_important, task.deadline, task.request, task.id, task.slot};
  }

  QueuedRequest& request_of(const ClusterView& view, const Task& task) {
    const auto [found, added] = live_.try_emplace(task.request);
    if (added) {
      const ServiceClass c = classes_.of(view, task.request_class);
      found->second = {.service = c,
                       .priority = ServiceClasses::priority(task, c),
                       .alone_s = std::max(1e-3, to_seconds(view.cost().remaining(task, 1))),
                       .arrival = task.arrival,
                       .deadline = task.deadline};
      ++count_[c];
    }
    return found->second;
  }

  // If that task ran, its GPUs are free again.
  void end_run(const Change& change) {
    const std::uint32_t slot = change.task->slot;
    if (slot >= places_.size() || places_[slot].running != change.task->id) return;
    places_[slot].running = kNoTask;
    agenda_.touch(places_[slot].home);
  }

  void enqueue(const ClusterView& view, const Task& task) {
    QueuedRequest& request = request_of(view, task);
    const WaitingKey key = key_of(task, request);
    const std::size_t home = home_of(task, request);
    if (places_.size() <= task.slot) places_.resize(task.slot + 1);
    places_[task.slot] = {.request = &request, .home = home};
    WaitingTasks& queue = queues_[home];
    if (request.service != ServiceClass::kL || task.kind != StageKind::kDenoise) {
      queue.open.insert(key);
    } else if (request.paused_since == kNever) {
      if (queue.fresh.empty()) with_fresh_.insert(home);
      queue.fresh.insert(key);
    } else {
      queue.paused.emplace(request.paused_since, key);
    }
    changed(home);
    touch(home);
  }

  void dequeue(const Task& task, const Place& place) {
    WaitingTasks& queue = queues_[place.home];
    const WaitingKey key = key_of(task, *place.request);
    if (queue.open.erase(key) == 0) {
      if (queue.fresh.erase(key) == 0)
        queue.paused.erase({place.request->paused_since, key});
      else if (queue.fresh.empty())
        with_fresh_.erase(place.home);
    }
    changed(place.home);
  }

  void touch(std::size_t home) {
    if (home < nodes_.size()) agenda_.touch(home);
  }

  // Somebody came to the queue, or left it.
  void changed(std::size_t home) {
    if (home == nodes_.size()) ++anywhere_version_;
    const auto& paused = queues_[home].paused;
    const TimePoint longest = paused.empty() ? kNever : paused.begin()->first;
    if (longest == longest_[home]) return;
    if (longest_[home] != kNever) longest_aside_.erase({longest_[home], home});
    if (longest != kNever) longest_aside_.emplace(longest, home);
    longest_[home] = longest;
  }

  // The node its window lies on, if the window works and the narrowest layout fits there.
  std::size_t home_of(const Task& task, const QueuedRequest& request) const {
    if (request.window.empty()) return nodes_.size();
    const std::size_t node = nodes_.node_of(request.window[0]);
    const bool fits = task.layouts.front().size() <= nodes_.count(node);
    return fits ? node : nodes_.size();
  }

  void requeue_all(const ClusterView& view) {
    std::vector<std::uint32_t> slots;
    for (std::size_t home = 0; home < queues_.size(); ++home) {
      WaitingTasks& queue = queues_[home];
      for (const WaitingKey& key : queue.open) slots.push_back(key.slot);
      for (const WaitingKey& key : queue.fresh) slots.push_back(key.slot);
      for (const auto& [since, key] : queue.paused) slots.push_back(key.slot);
      queue = {};
      changed(home);
      touch(home);
    }
    with_fresh_.clear();
    for (const std::uint32_t slot : slots) enqueue(view, view.task(slot));
  }

  ServiceClasses classes_;
  Order order_;
  NodeMasks nodes_;
  NodeAgenda agenda_;
  std::map<RequestId, QueuedRequest> live_;
  PerClass<int> count_;
  std::vector<Place> places_;         // by slot
  std::vector<WaitingTasks> queues_;  // by node; the last one: anywhere
  std::uint64_t anywhere_version_ = 0;
  std::set<std::size_t> with_fresh_;  // queues
  std::vector<TimePoint> longest_;    // by queue: since when its first is set aside, or kNever
  std::set<std::pair<TimePoint, std::size_t>> longest_aside_;  // the same, queues in that order
};

}  // namespace regroup
