// Fixed lanes: what serving systems without elastic parallelism do, and the baseline to beat.
#pragma once

#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "regroup/policy/policy.hpp"

namespace regroup {

// Cuts every node into lanes of `degree` GPUs. A lane holds one request at a time: its denoising
// takes the whole lane, stages that cannot be that wide the first GPUs of it. The waiting task with
// the smallest key gets a free lane, the one it had if that is free.
//
// Key: a callable (view, task) -> value, the smaller the sooner; constant while the task waits, and
// never larger than before while it runs. With kPreemptive a running task whose key (asked for now)
// is larger than that of a task for which there is no lane makes room at its next step boundary.
//
// Cost of a decision: O(changes x (log waiting + log lanes)). With kPreemptive also O(log lanes)
// for each run whose key was larger, when last asked for, than that of somebody who waits: it
// leaves, or is known better from then on; and O(1) for each that is leaving.
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
    if constexpr (kPreemptive) note_runs(view);
    while (!waiting_.empty() && !free_.empty()) {
      const Task& task = view.task(std::get<3>(*waiting_.begin()));
      waiting_.erase(waiting_.begin());
      place(task, out);
    }
    if constexpr (kPreemptive)
      if (!waiting_.empty()) make_room(view, out);
  }

 private:
  static constexpr std::size_t kNoLane = ~std::size_t{0};
  using KeyValue = std::invoke_result_t<Key, const ClusterView&, const Task&>;
  struct Lane {
    Group group;
    std::uint32_t slot = 0;  // of the task that runs on it
    bool busy = false;
    int failed_gpus = 0;
    // kPreemptive: where its run stands in running_, or that it is leaving.
    bool noted = false;
    bool leaving = false;
    KeyValue key{};
  };
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
        const Task& task = *change.task;
        release(change.task->slot);
        waiting_.emplace(key_(view, task), task.arrival, task.id, change.task->slot);
        break;
      }
      case Change::Kind::kTaskDone:
        release(change.task->slot);
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
    if (std::exchange(lanes_[lane].noted, false)) running_.erase({lanes_[lane].key, lane});
    if (std::exchange(lanes_[lane].leaving, false)) --leaving_;
  }

  void update(std::size_t lane) {
    if (!lanes_[lane].busy && lanes_[lane].failed_gpus == 0)
      free_.insert(lane);
    else
      free_.erase(lane);
  }

  void place(const Task& task, Decisions& out) {
    std::size_t chosen = *free_.begin();
    if (!task.group.empty())
      if (const std::size_t before = lane_of_[task.group[0].value]; free_.contains(before))
        chosen = before;
    // A model that cannot have the degree is an error of whoever chose the degree: the host says
    // so.
    Layout layout = task.widest(degree_);
    if (task.kind == StageKind::kDenoise && layout.size() != degree_)
      layout = {.ulysses = static_cast<std::uint8_t>(degree_)};
    const auto size = static_cast<std::size_t>(layout.size());
    out.place(task, lanes_[chosen].group.first(size), layout);
    lanes_[chosen].busy = true;
    lanes_[chosen].slot = task.slot;
    update(chosen);
    if (lane_by_slot_.size() <= task.slot) lane_by_slot_.resize(task.slot + 1, kNoLane);
    lane_by_slot_[task.slot] = chosen;
    if constexpr (kPreemptive) placed_.push_back(chosen);
  }

  // What was placed in the latest call runs now, unless it has ended already.
  void note_runs(const ClusterView& view) {
    for (const std::size_t lane : placed_)
      if (lanes_[lane].busy && !lanes_[lane].noted)
        note(lane, key_(view, view.task(lanes_[lane].slot)));
    placed_.clear();
  }
  void note(std::size_t lane, KeyValue key) {
    lanes_[lane].noted = true;
    lanes_[lane].key = key;
    running_.emplace(key, lane);
  }

  // One running task makes room for each waiting one that comes before it, worst first.
  void make_room(const ClusterView& view, Decisions& out) {
    auto next = waiting_.begin();
    for (std::size_t i = 0; i < leaving_ && next != waiting_.end(); ++i) ++next;
    while (next != waiting_.end() && !running_.empty()) {
      const auto [known, lane] = *running_.rbegin();
      if (!(std::get<0>(*next) < known)) return;
      const Task& task = view.task(lanes_[lane].slot);
      const KeyValue key = key_(view, task);
      running_.erase(std::prev(running_.end()));
      lanes_[lane].noted = false;
      if (key < known) {
        note(lane, key);
        continue;
      }
      out.preempt(task);
      lanes_[lane].leaving = true;
      ++leaving_;
      ++next;
    }
  }

  int degree_;
  Key key_;
  std::vector<Lane> lanes_;
  std::vector<std::size_t> lane_of_;       // GPU -> lane
  std::vector<std::size_t> lane_by_slot_;  // task slot -> lane it runs on
  std::set<std::size_t> free_;
  std::set<std::pair<KeyValue, std::size_t>>
      running_;                      // that do not leave: key as last asked, lane
  std::size_t leaving_ = 0;          // runs that were told to make room
  std::vector<std::size_t> placed_;  // lanes, in the latest call
  std::set<Waiting> waiting_;
};

}  // namespace regroup
