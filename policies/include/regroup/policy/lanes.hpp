// Fixed lanes: what serving systems without elastic parallelism do, and the baseline to beat.
#pragma once

#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "regroup/policy/policy.hpp"

namespace regroup {

// Cuts every node into lanes of `degree` GPUs. A lane holds one request at a time: its denoising
// takes the whole lane, stages that cannot be that wide the first GPUs of it. The waiting task with
// the smallest key gets a free lane, the one it had if that is free.
//
// Key: a callable (view, task) -> value, the smaller the sooner; constant while the task waits.
// With kPreemptive a running task whose key (asked for now) is larger than that of a task for which
// there is no lane makes room at its next step boundary.
//
// Cost of a decision: O(changes x log waiting), and with kPreemptive O(lanes) while tasks wait.
template <class Key, bool kPreemptive>
class LaneScheduler {
 public:
  explicit LaneScheduler(int degree, Key key = {}) : degree_(degree), key_(key) {
    if (degree < 1)
      throw std::invalid_argument("degree " + std::to_string(degree) + ": at least 1");
  }

  void decide(const ClusterView& view, Decisions& out) {
    if (lanes_.empty()) make_lanes(view);
    for (const Change& change : view.changes()) take_in(view, change);
    while (!waiting_.empty() && !free_.empty()) {
      const Task& task = view.task(std::get<3>(*waiting_.begin()));
      waiting_.erase(waiting_.begin());
      place(view, task, out);
    }
    if constexpr (kPreemptive)
      if (!waiting_.empty()) make_room(view, out);
  }

 private:
  static constexpr std::size_t kNoLane = ~std::size_t{0};
  struct Lane {
    Group group;
    std::uint32_t slot = 0;  // of the task that runs on it
    bool busy = false;
    int failed_gpus = 0;
  };
  using KeyValue = std::invoke_result_t<Key, const ClusterView&, const Task&>;
  // Ties: earlier arrival, then trace order.
  using Waiting = std::tuple<KeyValue, TimePoint, TaskId, std::uint32_t>;

  void make_lanes(const ClusterView& view) {
    lane_of_.assign(view.gpus().size(), kNoLane);
    for (const Node& node : view.nodes())
      for (int first = 0; first + degree_ <= node.count; first += degree_) {
        Lane lane;
        for (int i = 0; i < degree_; ++i) {
          const GpuId gpu{node.first.value + static_cast<std::uint32_t>(first + i)};
          lane.group.push_back(gpu);
          lane_of_[gpu.value] = lanes_.size();
        }
        free_.insert(lanes_.size());
        lanes_.push_back(lane);
      }
    if (lanes_.empty())
      throw std::invalid_argument("degree " + std::to_string(degree_) +
                                  ": no node has that many GPUs");
  }

  void take_in(const ClusterView& view, const Change& change) {
    switch (change.kind) {
      case Change::Kind::kTaskReady: {
        const Task& task = view.task(change.slot);
        release(change.slot);
        waiting_.emplace(key_(view, task), task.arrival, task.id, change.slot);
        break;
      }
      case Change::Kind::kTaskDone:
        release(change.slot);
        break;
      case Change::Kind::kGpuFailed:
      case Change::Kind::kGpuRepaired: {
        const std::size_t lane = lane_of_[change.gpu.value];
        if (lane == kNoLane) break;
        lanes_[lane].failed_gpus += change.kind == Change::Kind::kGpuFailed ? 1 : -1;
        update(lane);
        break;
      }
      case Change::Kind::kRequestDone:
      case Change::Kind::kWoke:
        break;
    }
  }

  void release(std::uint32_t slot) {
    if (slot >= lane_by_slot_.size() || lane_by_slot_[slot] == kNoLane) return;
    const std::size_t lane = lane_by_slot_[slot];
    lane_by_slot_[slot] = kNoLane;
    lanes_[lane].busy = false;
    update(lane);
  }

  void update(std::size_t lane) {
    if (!lanes_[lane].busy && lanes_[lane].failed_gpus == 0)
      free_.insert(lane);
    else
      free_.erase(lane);
  }

  void place(const ClusterView& view, const Task& task, Decisions& out) {
    std::size_t chosen = *free_.begin();
    if (!task.group.empty())
      if (const std::size_t before = lane_of_[task.group[0].value]; free_.contains(before))
        chosen = before;
    // A model that cannot have the degree is an error of whoever chose the degree: the host says
    // so.
    Layout layout = view.widest(task, degree_);
    if (task.kind == StageKind::kDenoise && layout.size() != degree_)
      layout = {.ulysses = static_cast<std::uint8_t>(degree_)};
    const auto size = static_cast<std::size_t>(layout.size());
    out.place(task, lanes_[chosen].group.first(size), layout);
    lanes_[chosen].busy = true;
    lanes_[chosen].slot = task.slot;
    update(chosen);
    if (lane_by_slot_.size() <= task.slot) lane_by_slot_.resize(task.slot + 1, kNoLane);
    lane_by_slot_[task.slot] = chosen;
  }

  // One running task makes room for each waiting one that comes before it, worst first.
  void make_room(const ClusterView& view, Decisions& out) {
    std::vector<std::tuple<KeyValue, std::size_t>> running;
    std::size_t leaving = 0;
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
      if (!lanes_[lane].busy) continue;
      const Task& task = view.task(lanes_[lane].slot);
      if (!task.running) continue;  // placed a moment ago
      if (task.preempting)
        ++leaving;
      else
        running.emplace_back(key_(view, task), lane);
    }
    std::ranges::sort(running, std::greater<>());
    auto next = waiting_.begin();
    for (; leaving > 0 && next != waiting_.end(); --leaving) ++next;
    for (const auto& [key, lane] : running) {
      if (next == waiting_.end() || !(std::get<0>(*next) < key)) return;
      out.preempt(view.task(lanes_[lane].slot));
      ++next;
    }
  }

  int degree_;
  Key key_;
  std::vector<Lane> lanes_;
  std::vector<std::size_t> lane_of_;       // GPU -> lane
  std::vector<std::size_t> lane_by_slot_;  // task slot -> lane it runs on
  std::set<std::size_t> free_;
  std::set<Waiting> waiting_;
};

}  // namespace regroup
