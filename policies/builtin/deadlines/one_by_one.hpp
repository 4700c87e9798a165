// The events of one instant, one after the other.
#pragma once

#include <algorithm>
#include <vector>

#include "regroup/policy/policy.hpp"

namespace regroup {

// The published policies are told of one event at a time and act after each, seeing only the GPUs
// that are free by then. This takes an instant apart again, and keeps the book of free GPUs.
//
// Of most instants there is but one event, and then the host's own idle() is the book: only where
// there are several, or somebody sets GPUs aside, is there a book of its own, which catches up on
// the nodes where anything happened since it was used last.
class OneByOne {
 public:
  // For each event: gives back the GPUs of the run that ended, then calls event(changes). Arrivals
  // come first, the rest in order. The end of a stage and what follows from it are one event. All
  // groups placed through this lie on one node each.
  template <class Event>
  void replay(const ClusterView& view, const Decisions& out, Event event) {
    host_ = &out.idle();
    apart_ = false;
    const auto changes = view.changes();
    if (changes.empty()) return;
    for (const Change& change : changes) note(change);
    if (event_end(changes, 0) == changes.size()) return event(changes);

    take_apart();
    // What comes back with a later event is not free yet.
    for (const Change& change : changes)
      for (const GpuId gpu : comes_back(change))
        if (free_.contains(gpu)) free_.take(gpu);
    for (const bool arrivals : {true, false}) {
      std::size_t end = 0;
      for (std::size_t begin = 0; begin < changes.size(); begin = end) {
        end = event_end(changes, begin);
        if (arrives(changes[begin]) != arrivals) continue;
        const auto together = changes.subspan(begin, end - begin);
        for (const Change& change : together) give_back(change);
        event(together);
      }
    }
  }

  // Valid until the next set_aside().
  const IdleGpus& free() const { return apart_ ? free_ : *host_; }

  // Takes GPUs out of free() while somebody plans, until put_back() returns all of them. A copy to
  // plan with would cost O(nodes).
  void set_aside(const Group& group) {
    take_apart();
    free_.take(group);
    aside_.push_back(group);
  }
  void put_back() {
    for (const Group& group : aside_) free_.give(group);
    aside_.clear();
  }

  void place(Decisions& out, const Task& task, const Group& group, Layout layout, int steps) {
    out.place(task, group, layout, std::min(steps, task.steps_left()));
    if (apart_)
      free_.take(group);
    else
      changed(group[0]);
  }

 private:
  static bool arrives(const Change& change) {
    return change.kind == Change::Kind::kTaskReady && change.task->group.empty();
  }
  // One past the last change of the event that begins there.
  static std::size_t event_end(std::span<const Change> changes, std::size_t begin) {
    std::size_t end = begin + 1;
    if (changes[begin].kind != Change::Kind::kTaskDone) return end;
    const auto follows = [&](const Change& change) {
      return (change.kind == Change::Kind::kTaskReady ||
              change.kind == Change::Kind::kRequestDone) &&
             change.request == changes[begin].request;
    };
    while (end < changes.size() && follows(changes[end])) ++end;
    return end;
  }
  // The GPUs that the change sets free. (A stage that begins has the group of the one before it,
  // whose end belongs to the same event.)
  static std::span<const GpuId> comes_back(const Change& change) {
    switch (change.kind) {
      case Change::Kind::kTaskReady:
      case Change::Kind::kTaskDone: {
        const Group& group = change.task->group;
        return {group.begin(), group.size()};
      }
      case Change::Kind::kGpuRepaired:
        return {&change.gpu, 1};
      case Change::Kind::kGpuFailed:
      case Change::Kind::kRequestDone:
      case Change::Kind::kWoke:
        break;
    }
    return {};
  }

  // Since free_ was used last, the host's idle GPUs have changed on the node of this one.
  void changed(GpuId gpu) {
    const NodeId node = host_->node_of(gpu);
    if (behind_.size() <= node.value) behind_.resize(node.value + 1);
    if (behind_[node.value] != 0) return;
    behind_[node.value] = 1;
    nodes_behind_.push_back(node);
  }
  void note(const Change& change) {
    if (change.kind == Change::Kind::kGpuFailed) return changed(change.gpu);
    if (const auto gpus = comes_back(change); !gpus.empty()) changed(gpus[0]);
  }

  void take_apart() {
    if (apart_) return;
    apart_ = true;
    if (!started_) free_ = *host_;
    started_ = true;
    for (const NodeId node : nodes_behind_) {
      free_.match(node, *host_);
      behind_[node.value] = 0;
    }
    nodes_behind_.clear();
  }

  // The host has this instant's failures in its book already: nothing is given back that broke.
  void give_back(const Change& change) {
    for (const GpuId gpu : comes_back(change))
      if (host_->contains(gpu) && !free_.contains(gpu)) free_.give(gpu);
  }

  const IdleGpus* host_ = nullptr;  // valid during replay()
  bool apart_ = false;              // free_ is the book
  bool started_ = false;            // free_ has been filled
  IdleGpus free_;
  std::vector<char> behind_;          // by node: it is in nodes_behind_
  std::vector<NodeId> nodes_behind_;  // where free_ may differ from what the host has
  std::vector<Group> aside_;          // see set_aside()
};

}  // namespace regroup
