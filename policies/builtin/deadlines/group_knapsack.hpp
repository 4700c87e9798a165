// Whom to run now, and whom to let wait, so that the most requests meet their deadlines.
#pragma once

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

namespace regroup {

// Of each item either nothing is taken, or all of its width. The value of a choice is the sum of
// what its items are worth, added in their order; of equal choices the narrower in total, of equal
// ones for the same total the one that takes the later items.
// Source: TetriServe, arXiv 2510.01565 (a group for each request, of which one option is taken).
// Cost: O(items x capacity).
class GroupKnapsack {
 public:
  struct Item {
    double left_out = 0;  // what it is worth if it gets nothing now
    int width = 0;        // 0: it can only be left out
    double taken = 0;     // what it is worth if it gets its width
  };

  // By item: whether it is taken. Valid until the next call. capacity >= 0.
  const std::vector<bool>& solve(std::span<const Item> items, int capacity) {
    const auto totals = static_cast<std::size_t>(capacity) + 1;
    constexpr double kImpossible = -std::numeric_limits<double>::infinity();
    value_.assign(totals, kImpossible);
    value_[0] = 0;
    takes_.assign(items.size() * totals, false);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Item& item = items[i];
      const auto width = static_cast<std::size_t>(item.width);
      for (std::size_t total = totals; total-- > 0;) {  // what is read lies below what is written
        const double without = value_[total] + item.left_out;
        const bool possible = width > 0 && width <= total;
        const double with = possible ? value_[total - width] + item.taken : kImpossible;
        takes_[i * totals + total] = with > kImpossible && with >= without;
        value_[total] = std::max(with, without);
      }
    }
    auto total = static_cast<std::size_t>(std::ranges::max_element(value_) - value_.begin());
    taken_.assign(items.size(), false);
    for (std::size_t i = items.size(); i-- > 0;) {
      taken_[i] = takes_[i * totals + total];
      if (taken_[i]) total -= static_cast<std::size_t>(items[i].width);
    }
    return taken_;
  }

 private:
  std::vector<double> value_;  // by total width: the best so far
  std::vector<bool> takes_;    // by item and total width: whether the best takes it
  std::vector<bool> taken_;
};

}  // namespace regroup
