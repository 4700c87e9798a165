#include "core/slots.hpp"

#include <gtest/gtest.h>

#include <set>

namespace regroup {
namespace {

TEST(Slots, UsesSlotsAgainAndKeepsWhatTheyHeld) {
  Slots<int> slots;
  const std::uint32_t first = slots.take();
  slots[first] = 7;
  const std::uint32_t second = slots.take();
  slots.give_back(first);
  EXPECT_NE(first, second);
  EXPECT_EQ(slots.take(), first);
  EXPECT_EQ(slots[first], 7);
  EXPECT_EQ(slots.size(), 2u);
}

TEST(Slots, ValuesStayWhereTheyAre) {
  Slots<int> slots;
  std::set<std::uint32_t> taken;
  int* const first = &slots[slots.take()];
  *first = 42;
  for (int i = 1; i < 1000; ++i) taken.insert(slots.take());
  EXPECT_EQ(taken.size(), 999u) << "no slot is given to two";
  EXPECT_EQ(&slots[0], first);
  EXPECT_EQ(slots[0], 42);
}

}  // namespace
}  // namespace regroup
