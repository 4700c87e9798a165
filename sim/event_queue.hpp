// The events that are still to come, earliest first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/backend.hpp"

namespace regroup::sim {

// Totally ordered by (time, kind, sequence): events of one instant leave in the order of
// Event::Kind, and equal ones in the order they were pushed. A heap in one vector whose nodes have
// four children: half as deep as a binary one, and four entries of 32 bytes are two cache lines.
// Why this one: see README.md.
class EventQueue {
 public:
  struct Entry {
    TimePoint at{};
    std::uint64_t order = 0;    // kind, then sequence
    std::uint32_t subject = 0;  // the slot of a run, or a GPU
    std::uint32_t version = 0;  // of the plan for that slot: an entry of an older plan is void
    bool only_leaves = false;   // the run's GPUs may be given on, but it has not ended

    Event::Kind kind() const { return static_cast<Event::Kind>(order >> kSequenceBits); }
    bool before(const Entry& other) const {
      return at != other.at ? at < other.at : order < other.order;
    }
  };

  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  const Entry& top() const { return heap_.front(); }

  // `entry.order` is set here.
  void push(Event::Kind kind, Entry entry) {
    entry.order = static_cast<std::uint64_t>(kind) << kSequenceBits | next_sequence_++;
    heap_.emplace_back();
    rise(heap_.size() - 1, entry);
  }

  void pop() {
    const Entry last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) rise(sink_hole(), last);
  }

 private:
  static constexpr int kSequenceBits = 62;
  static constexpr std::size_t kChildren = 4;

  // Puts the entry into the free place, or above it. By value and field by field: a new entry is
  // still in registers, and as a whole it would go through memory, which it has hardly reached yet.
  void rise(std::size_t place, Entry entry) {
    while (place > 0) {
      const std::size_t parent = (place - 1) / kChildren;
      if (!entry.before(heap_[parent])) break;
      heap_[place] = heap_[parent];
      place = parent;
    }
    Entry& to = heap_[place];
    to.at = entry.at;
    to.order = entry.order;
    to.subject = entry.subject;
    to.version = entry.version;
    to.only_leaves = entry.only_leaves;
  }

  // Frees the root and moves the earliest children up, down to a leaf: what will go there was the
  // last entry and belongs near the leaves, so asking at each level whether it fits is not worth
  // it.
  std::size_t sink_hole() {
    std::size_t hole = 0;
    for (std::size_t first = 1; first < heap_.size(); first = hole * kChildren + 1) {
      std::size_t best = first;
      const std::size_t end = std::min(first + kChildren, heap_.size());
      for (std::size_t child = first + 1; child < end; ++child)
        if (heap_[child].before(heap_[best])) best = child;
      heap_[hole] = heap_[best];
      hole = best;
    }
    return hole;
  }

  std::vector<Entry> heap_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace regroup::sim
