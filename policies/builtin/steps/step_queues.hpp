// Who waits, for the preemptive policies of GF-DiT (arXiv 2606.13501): by node, and whether set
// aside.
#pragma once

#include <array>
#include <map>
#include <set>
#include <vector>

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
};

// A request goes where it likes until it has run; then it stays on that node, as long as enough of
// the node works. Cost: O(log waiting) a change; a failure or repair O(waiting log waiting).
class StepQueues {
 public:
  // Either the more important or the earlier deadline comes first.
  enum class Order { kImportance, kDeadline };

  StepQueues(const Params& params, Order order) : classes_(params), order_(order) {}

  // Call it first in every decide().
  void begin(const ClusterView& view) {
    nodes_.update(view);
    if (queues_.empty()) queues_.resize(nodes_.size() + 1);
    for (const Change& change : view.changes())
      if (change.kind == Change::Kind::kGpuFailed || change.kind == Change::Kind::kGpuRepaired)
        return requeue_all(view);
  }

  // Call it with every change; `ended(request)` for a request that ended.
  template <class Ended>
  void update(const ClusterView& view, const Change& change, Ended ended) {
    if (change.kind == Change::Kind::kTaskReady) {
      enqueue(view, view.task(change.slot));
    } else if (change.kind == Change::Kind::kRequestDone) {
      const auto found = live_.find(change.request);
      if (found == live_.end()) return;
      ended(found->second);
      --count_[found->second.service];
      live_.erase(found);
    }
  }

  const NodeMasks& nodes() const { return nodes_; }
  const WaitingTasks& of_node(std::size_t node) const { return queues_[node]; }
  const WaitingTasks& anywhere() const { return queues_.back(); }
  const QueuedRequest& live(const Task& task) const { return live_.at(task.request); }
  int live_of(ServiceClass c) const { return count_[c]; }

  // Marks all that may be set aside as set aside since `now`.
  void set_aside(TimePoint now) {
    for (WaitingTasks& queue : queues_) {
      for (const WaitingKey& key : queue.fresh) {
        QueuedRequest& request = live_.at(key.request);
        if (request.paused_since == kNever) request.paused_since = now;
        queue.paused.emplace(request.paused_since, key);
      }
      queue.fresh.clear();
    }
  }

  // The task has been placed; its request has this window now, and is not set aside.
  void placed(const Task& task, const Group& window) {
    QueuedRequest& request = live_.at(task.request);
    dequeue(task, request);
    request.window = window;
    request.paused_since = kNever;
  }

 private:
  WaitingKey key_of(const Task& task, const QueuedRequest& request) const {
    const int less_important = order_ == Order::kImportance ? -request.priority : 0;
    return {less_important, task.deadline, task.request, task.id, task.slot};
  }

  QueuedRequest& live_of(const ClusterView& view, const Task& task) {
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

  void enqueue(const ClusterView& view, const Task& task) {
    const QueuedRequest& request = live_of(view, task);
    const WaitingKey key = key_of(task, request);
    const std::size_t home = home_of(view, task, request);
    if (home_.size() <= task.slot) home_.resize(task.slot + 1);
    home_[task.slot] = home;
    WaitingTasks& queue = queues_[home];
    if (request.service != ServiceClass::kL || task.kind != StageKind::kDenoise)
      queue.open.insert(key);
    else if (request.paused_since == kNever)
      queue.fresh.insert(key);
    else
      queue.paused.emplace(request.paused_since, key);
  }

  void dequeue(const Task& task, const QueuedRequest& request) {
    WaitingTasks& queue = queues_[home_[task.slot]];
    const WaitingKey key = key_of(task, request);
    if (queue.open.erase(key) == 0 && queue.fresh.erase(key) == 0)
      queue.paused.erase({request.paused_since, key});
  }

  // The node its window lies on, if the window works and the narrowest layout fits there.
  std::size_t home_of(const ClusterView& view, const Task& task,
                      const QueuedRequest& request) const {
    if (request.window.empty()) return nodes_.size();
    const std::size_t node = nodes_.node_of(request.window[0]);
    const bool fits = view.layouts(task).front().size() <= nodes_.count(node);
    return fits ? node : nodes_.size();
  }

  void requeue_all(const ClusterView& view) {
    std::vector<std::uint32_t> slots;
    for (WaitingTasks& queue : queues_) {
      for (const WaitingKey& key : queue.open) slots.push_back(key.slot);
      for (const WaitingKey& key : queue.fresh) slots.push_back(key.slot);
      for (const auto& [since, key] : queue.paused) slots.push_back(key.slot);
      queue = {};
    }
    for (const std::uint32_t slot : slots) enqueue(view, view.task(slot));
  }

  ServiceClasses classes_;
  Order order_;
  NodeMasks nodes_;
  std::map<RequestId, QueuedRequest> live_;
  PerClass<int> count_;
  std::vector<WaitingTasks> queues_;  // by node; the last one: anywhere
  std::vector<std::size_t> home_;     // task slot -> its queue
};

}  // namespace regroup
