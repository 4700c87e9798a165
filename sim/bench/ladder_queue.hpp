// A queue to compare with: the ladder of Tang, Goh and Thng (ACM TOMACS 15(3), 2005).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "sim/event_queue.hpp"

namespace regroup::sim {

// The far future lies unsorted on top. When all else has left it becomes a rung of as many buckets
// as entries; a bucket that comes up is sorted into the bottom, or if it holds many becomes a finer
// rung. Pops take from the bottom, and so are sorted a few at a time.
class LadderQueue {
 public:
  using Entry = EventQueue::Entry;

  void push(Event::Kind, Entry entry) {
    entry.order = next_sequence_++;
    if (entry.at >= top_start_) return top_.push_back(entry);
    for (std::size_t i = 0; i < depth_; ++i)
      if (entry.at >= rungs_[i].reached()) return rungs_[i].add(entry);
    auto place = bottom_.end();
    while (place != bottom_.begin() && (place - 1)->before(entry)) --place;
    bottom_.insert(place, entry);
    if (bottom_.size() > kMany && depth_ < rungs_.size())
      spread(bottom_, bottom_.back().at, depth_ == 0 ? top_start_ : rungs_[depth_ - 1].reached());
  }

  // The first, removed. There must be one.
  Entry pop() {
    while (bottom_.empty()) refill();
    const Entry first = bottom_.back();
    bottom_.pop_back();
    return first;
  }

 private:
  static constexpr std::size_t kMany = 50;  // the paper's threshold, and its number of rungs
  static constexpr std::size_t kRungs = 8;

  struct Rung {
    TimePoint start{};
    Duration width{};
    std::size_t next = 0;  // the first bucket that has not come up
    std::size_t count = 0;
    std::vector<std::vector<Entry>> buckets;  // kept for their memory; the first `count` are used

    TimePoint reached() const { return start + width * static_cast<std::int64_t>(next); }
    void add(const Entry& entry) {
      buckets[static_cast<std::size_t>((entry.at - start) / width)].push_back(entry);
    }
  };

  // Moves the entries to a new rung, the finest one, for [from, until).
  void spread(std::vector<Entry>& entries, TimePoint from, TimePoint until) {
    Rung& rung = rungs_[depth_++];
    rung.start = from;
    rung.next = 0;
    const auto size = static_cast<std::int64_t>(entries.size());
    rung.width = std::max(Duration(1), (until - from) / size);
    rung.count = static_cast<std::size_t>((until - from - Duration(1)) / rung.width) + 1;
    if (rung.buckets.size() < rung.count) rung.buckets.resize(rung.count);
    for (const Entry& entry : entries) rung.add(entry);
    entries.clear();
  }

  void refill() {
    if (depth_ == 0) {
      const auto [first, last] = std::ranges::minmax_element(top_, {}, &Entry::at);
      const TimePoint from = first->at;
      top_start_ = last->at + Duration(1);
      return spread(top_, from, top_start_);
    }
    Rung& rung = rungs_[depth_ - 1];
    while (rung.next < rung.count && rung.buckets[rung.next].empty()) ++rung.next;
    if (rung.next == rung.count) {
      --depth_;
      return;
    }
    const TimePoint from = rung.reached();
    std::vector<Entry>& bucket = rung.buckets[rung.next++];
    if (bucket.size() > kMany && depth_ < rungs_.size() && rung.width > Duration(1))
      return spread(bucket, from, rung.reached());
    bottom_.swap(bucket);
    std::ranges::sort(bottom_, [](const Entry& a, const Entry& b) { return b.before(a); });
  }

  std::vector<Entry> top_;
  TimePoint top_start_{};
  std::array<Rung, kRungs> rungs_;  // the coarsest first
  std::size_t depth_ = 0;
  std::vector<Entry> bottom_;  // the latest first, so that the first to leave is the last of it
  std::uint64_t next_sequence_ = 0;
};

}  // namespace regroup::sim
