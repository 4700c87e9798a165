// The knapsack of TetriServe, against trying everything.
#include <gtest/gtest.h>

#include "core/random.hpp"
#include "policies/builtin/deadlines/group_knapsack.hpp"

namespace regroup {
namespace {

using Item = GroupKnapsack::Item;

// The value of a choice (bit i: item i is taken), or -1 if it does not fit.
double value_of(const std::vector<Item>& items, int capacity, unsigned choice) {
  double value = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool taken = (choice >> i & 1u) != 0;
    if (taken && items[i].width == 0) return -1;
    value += taken ? items[i].taken : items[i].left_out;
    capacity -= taken ? items[i].width : 0;
  }
  return capacity >= 0 ? value : -1;
}

TEST(GroupKnapsack, IsWorthAsMuchAsTheBestOfAllChoices) {
  RandomStream random(1, "knapsack");
  const auto up_to = [&](int most) { return static_cast<int>(random.uniform() * (most + 1)); };
  GroupKnapsack knapsack;
  for (int round = 0; round < 500; ++round) {
    std::vector<Item> items;
    for (int i = up_to(7); i > 0; --i) {
      const int width = up_to(1) == 0 ? 0 : 1 << up_to(3);
      items.push_back({static_cast<double>(up_to(1)), width, 1 - 1e-6 * width});
    }
    const int capacity = up_to(8);
    double best = 0;
    for (unsigned choice = 0; choice < 1u << items.size(); ++choice)
      best = std::max(best, value_of(items, capacity, choice));
    const std::vector<bool>& taken = knapsack.solve(items, capacity);
    unsigned choice = 0;
    for (std::size_t i = 0; i < items.size(); ++i) choice |= (taken[i] ? 1u : 0u) << i;
    EXPECT_DOUBLE_EQ(value_of(items, capacity, choice), best) << "round " << round;
  }
}

TEST(GroupKnapsack, TakesTheLaterOfEqualItemsAndNoMoreThanIsNeeded) {
  GroupKnapsack knapsack;
  EXPECT_EQ(knapsack.solve({{{0, 4, 1}, {0, 4, 1}, {1, 1, 1}}}, 4),
            (std::vector<bool>{false, true, false}));
  EXPECT_EQ(knapsack.solve({}, 4), std::vector<bool>{});
  EXPECT_EQ(knapsack.solve({{{0, 1, 1}}}, 0), std::vector<bool>{false});
}

}  // namespace
}  // namespace regroup
