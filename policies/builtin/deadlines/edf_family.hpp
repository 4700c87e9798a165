// What the deadline policies of GF-DiT (arXiv 2606.13501) share.
#pragma once

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "regroup/policy/policy.hpp"

namespace regroup::edf {

// Order: earlier deadline (none comes last), more important, earlier arrival, earlier in the trace.
// Constant while the task lives, and of no two tasks the same; the task itself decides nothing.
struct Key {
  TimePoint deadline{};
  int less_important = 0;
  TimePoint arrival{};
  RequestId request{};
  std::uint8_t stage = 0;
  const Task* task = nullptr;

  Key() = default;
  explicit Key(const Task& t)
      : deadline(t.deadline),
        less_important(-t.priority),
        arrival(t.arrival),
        request(t.request),
        stage(t.stage),
        task(&t) {}
  auto operator<=>(const Key&) const = default;
};

// A stage that is one GPU's work whatever the cluster, as encoding and decoding mostly are.
inline bool is_single(const Task& task) {
  return task.kind != StageKind::kDenoise && task.layouts.size() == 1 &&
         task.layouts[0].size() == 1;
}

// What a decision asks the view for over and over.
struct Forecast {
  explicit Forecast(const ClusterView& view) : now(view.now()), cost(view.cost()) {}

  // When the whole request is done if all that is left of it runs on groups of that size.
  TimePoint finish(const Task& task, int size) const { return now + cost.remaining(task, size); }

  TimePoint now;
  const CostModel& cost;
};

// The node for `size` GPUs of a task. Where its state lies if that node has them, else the one with
// the fewest that suffice; for a new request the one with the most. Some node must have them.
inline NodeId node_for(const IdleGpus& free, const Task& task, int size) {
  if (task.group.empty()) return free.node_of(free.pick(free.widest())[0]);
  const NodeId own = free.node_of(task.group[0]);
  return free.count(own) >= size ? own : free.node_of(free.pick(size)[0]);
}

// GPUs of that node for a stage of any width: exactly those the task has, if they are as many and
// free, else the lowest. (Single-GPU stages always take the lowest.) Empty if it has not so many.
inline Group pick(const IdleGpus& free, const Task& task, NodeId node, int size) {
  const bool stays = static_cast<int>(task.group.size()) == size &&
                     free.node_of(task.group[0]) == node && free.contains_on_one_node(task.group);
  return stays ? task.group : free.pick_on(node, size);
}

// The parameter `steps` of the policies that have it.
inline int steps_of(const Params& params) {
  const int steps = params.get("steps", 1, "denoising steps from one decision to the next");
  if (steps < 1) throw std::invalid_argument("steps " + std::to_string(steps) + ": at least 1");
  return steps;
}

// Tasks that wait, by Key; those that need more GPUs than there are do not stand in the way.
// Cost: O(log waiting).
class Queue {
 public:
  void insert(const Task& task) {
    if (size_++ == 0) {
      only_ = &task;
      return;
    }
    if (only_ != nullptr) push(*std::exchange(only_, nullptr));
    push(task);
  }
  bool empty() const { return size_ == 0; }
  // Removes the first that can do with that many GPUs. nullptr: none can.
  const Task* pop(int gpus) {
    if (only_ != nullptr) {
      if (narrowest(*only_) > gpus) return nullptr;
      size_ = 0;
      return std::exchange(only_, nullptr);
    }
    return size_ == 0 ? nullptr : pop_of_lines(gpus);
  }

 private:
  struct Line {
    int narrowest = 1;      // the size of the narrowest layout of all in it
    std::vector<Key> keys;  // a heap, the first on top
  };

  static int narrowest(const Task& task) { return task.layouts.front().size(); }

  void push(const Task& task) {
    const auto found = std::ranges::find(lines_, narrowest(task), &Line::narrowest);
    Line& line = found != lines_.end() ? *found : lines_.emplace_back(Line{narrowest(task), {}});
    line.keys.emplace_back(task);
    std::ranges::push_heap(line.keys, std::greater());
  }

  const Task* pop_of_lines(int gpus) {
    std::vector<Key>* first = nullptr;
    for (Line& line : lines_)
      if (line.narrowest <= gpus && !line.keys.empty())
        if (first == nullptr || line.keys.front() < first->front()) first = &line.keys;
    if (first == nullptr) return nullptr;
    std::ranges::pop_heap(*first, std::greater());
    const Task* const task = first->back().task;
    first->pop_back();
    --size_;
    return task;
  }

  std::size_t size_ = 0;
  // One that came while nobody waited is in no line: mostly it is the next to go.
  const Task* only_ = nullptr;
  std::vector<Line> lines_;  // few: models differ little in this
};

}  // namespace regroup::edf
