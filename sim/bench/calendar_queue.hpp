// A queue to compare with: Brown's calendar (Calendar Queues, CACM 31(10), 1988).
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "sim/event_queue.hpp"

namespace regroup::sim {

// Days of one length, each a sorted list of the entries that fall on it in any year. A pop goes on
// from the day of the last one; the days are laid out anew when the entries double or halve.
class CalendarQueue {
 public:
  using Entry = EventQueue::Entry;

  CalendarQueue() { lay_out(2, Duration(1'000'000)); }

  void push(Event::Kind, Entry entry) {
    entry.order = next_sequence_++;
    insert(entry);
    if (++size_ > 2 * days_.size()) resize(2 * days_.size());
  }

  // The first, removed. There must be one.
  Entry pop() {
    std::size_t tried = 0;
    while (days_[today_].empty() || days_[today_].back().at >= day_ends_) {
      today_ = (today_ + 1) % days_.size();
      day_ends_ += day_;
      if (++tried == days_.size()) go_to_first();
    }
    const Entry first = days_[today_].back();
    days_[today_].pop_back();
    if (--size_ < days_.size() / 2 && days_.size() > 2) resize(days_.size() / 2);
    return first;
  }

 private:
  std::size_t day_of(TimePoint at) const {
    return static_cast<std::size_t>(at.time_since_epoch() / day_) % days_.size();
  }
  void start_at(TimePoint at) {
    today_ = day_of(at);
    day_ends_ = TimePoint(day_ * (at.time_since_epoch() / day_ + 1));
  }
  void lay_out(std::size_t days, Duration day) {
    days_.assign(days, {});
    day_ = day;
    start_at({});
  }
  // The latest first, so that the first to leave is the last of the vector.
  void insert(const Entry& entry) {
    std::vector<Entry>& day = days_[day_of(entry.at)];
    auto place = day.end();
    while (place != day.begin() && (place - 1)->before(entry)) --place;
    day.insert(place, entry);
  }
  // Nothing this year: straight to the earliest of all.
  void go_to_first() {
    const Entry* first = nullptr;
    for (const auto& day : days_)
      if (!day.empty() && (first == nullptr || day.back().before(*first))) first = &day.back();
    start_at(first->at);
  }
  // As many days as entries; three mean gaps of those that come first make a day.
  void resize(std::size_t days) {
    std::vector<Entry> all;
    for (const auto& day : days_) all.insert(all.end(), day.begin(), day.end());
    std::ranges::sort(all, [](const Entry& a, const Entry& b) { return a.before(b); });
    const std::size_t sample = std::min<std::size_t>(all.size(), 25);
    const Duration span = sample > 1 ? all[sample - 1].at - all[0].at : Duration(0);
    const auto gaps = static_cast<std::int64_t>(std::max<std::size_t>(1, sample - 1));
    lay_out(days, std::max(Duration(1), 3 * span / gaps));
    for (const Entry& entry : all) insert(entry);
    if (!all.empty()) start_at(all[0].at);
  }

  std::vector<std::vector<Entry>> days_;
  Duration day_{};
  std::size_t today_ = 0;
  TimePoint day_ends_{};
  std::size_t size_ = 0;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace regroup::sim
