// The events that are still to come, earliest first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

#include "core/backend.hpp"

namespace regroup::sim {

// Totally ordered by (time, kind, sequence): events of one instant leave in the order of
// Event::Kind, and equal ones in the order they were pushed. A binary heap in one vector.
class EventQueue {
 public:
  struct Entry {
    TimePoint at{};
    Event::Kind kind{};
    std::uint64_t sequence = 0;  // set by push
    std::uint64_t subject = 0;   // run or GPU
    std::uint32_t version = 0;   // of the run's plan: an entry of an older plan is void
    bool only_leaves = false;    // the run's GPUs may be given on, but it has not ended
  };

  bool empty() const { return heap_.empty(); }
  const Entry& top() const { return heap_.front(); }

  void push(Entry entry) {
    entry.sequence = next_sequence_++;
    heap_.push_back(entry);
    std::ranges::push_heap(heap_, later);
  }
  void pop() {
    std::ranges::pop_heap(heap_, later);
    heap_.pop_back();
  }

 private:
  static bool later(const Entry& a, const Entry& b) {
    return std::tie(a.at, a.kind, a.sequence) > std::tie(b.at, b.kind, b.sequence);
  }
  std::vector<Entry> heap_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace regroup::sim
