// The events of one instant, one after the other.
#pragma once

#include <algorithm>
#include <utility>
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
    if (event_end(changes, 0) == changes.size()) {
      for (const Change& change : changes)
        if (Run* run = ended(change)) run->gpus = 0;
      return event(changes);
    }

    take_apart();
    for (const Change& change : changes) withhold(change);
    for (const bool arrivals : {true, false}) {
      std::size_t end = 0;
      for (std::size_t begin = 0; begin < changes.size(); begin = end) {
        end = event_end(changes, begin);
        if (arrives(view, changes[begin]) != arrivals) continue;
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
    const NodeId node = host_->node_of(group[0]);
    if (apart_)
      free_.take(group);
    else
      changed(node);
    if (runs_.size() <= task.slot) runs_.resize(task.slot + 1);
    runs_[task.slot] = {task.id, node, host_->mask_on(node, group)};
  }

 private:
  struct Run {
    TaskId task{};
    NodeId node{};
    std::uint64_t gpus = 0;  // of the node
  };

  static bool arrives(const ClusterView& view, const Change& change) {
    return change.kind == Change::Kind::kTaskReady && view.task(change.slot).group.empty();
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
  // The run that the change is the end of, or nullptr.
  Run* ended(const Change& change) {
    if (change.kind != Change::Kind::kTaskReady && change.kind != Change::Kind::kTaskDone)
      return nullptr;
    if (change.slot >= runs_.size()) return nullptr;
    Run& run = runs_[change.slot];
    return run.task == change.task && run.gpus != 0 ? &run : nullptr;
  }

  // That the host's idle GPUs of the node are not those that free_ has.
  void changed(NodeId node) {
    if (behind_.size() <= node.value) behind_.resize(node.value + 1);
    if (behind_[node.value] != 0) return;
    behind_[node.value] = 1;
    nodes_behind_.push_back(node);
  }
  void note(const Change& change) {
    if (const Run* run = ended(change)) return changed(run->node);
    if (change.kind == Change::Kind::kGpuFailed || change.kind == Change::Kind::kGpuRepaired)
      changed(host_->node_of(change.gpu));
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

  // What comes back with a later event is not free yet. The host has this instant's failures in its
  // book already: nothing is given back that broke.
  void withhold(const Change& change) {
    if (Run* run = ended(change)) {
      run->gpus &= free_.mask(run->node);
      free_.take(run->node, run->gpus);
    }
    if (change.kind == Change::Kind::kGpuRepaired && free_.contains(change.gpu))
      free_.take(change.gpu);
  }
  void give_back(const Change& change) {
    if (Run* run = ended(change)) free_.give(run->node, std::exchange(run->gpus, 0));
    if (change.kind == Change::Kind::kGpuRepaired && host_->contains(change.gpu) &&
        !free_.contains(change.gpu))
      free_.give(change.gpu);
  }

  const IdleGpus* host_ = nullptr;  // valid during replay()
  bool apart_ = false;              // free_ is the book
  bool started_ = false;            // free_ has been filled
  IdleGpus free_;
  std::vector<char> behind_;          // by node: it is in nodes_behind_
  std::vector<NodeId> nodes_behind_;  // where free_ may differ from what the host has
  std::vector<Run> runs_;             // by slot
  std::vector<Group> aside_;          // see set_aside()
};

}  // namespace regroup
