// Time, identities, layouts and groups.
#include "regroup/policy/types.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

namespace regroup {
namespace {

using namespace std::chrono_literals;

template <class A, class B>
concept Comparable = requires(A a, B b) {
  a < b;
};
static_assert(Comparable<GpuId, GpuId> && !Comparable<GpuId, NodeId>);
static_assert(!std::is_convertible_v<GpuId, NodeId> && !std::is_convertible_v<int, GpuId>);
static_assert(!std::is_convertible_v<TimePoint, std::chrono::steady_clock::time_point>);

TEST(Time, FromSecondsRoundsToTheNearestNanosecond) {
  EXPECT_EQ(from_seconds(0.0), 0ns);
  EXPECT_EQ(from_seconds(1.0), 1s);
  EXPECT_EQ(from_seconds(1.4e-9), 1ns);
  EXPECT_EQ(from_seconds(1.6e-9), 2ns);
  EXPECT_EQ(from_seconds(0.3), 300ms) << "0.3 is a little below three tenths";
  EXPECT_EQ(from_seconds(0.1 + 0.2), 300ms) << "0.1 + 0.2 a little above";
}

TEST(Time, FromSecondsRoundsHalvesAwayFromZero) {
  EXPECT_EQ(from_seconds(0.5e-9), 1ns);
  EXPECT_EQ(from_seconds(2.5e-9), 3ns);
  EXPECT_EQ(from_seconds(-0.5e-9), -1ns);
  EXPECT_EQ(from_seconds(-2.5e-9), -3ns);
}

TEST(Time, FromSecondsRoundsAsTheStandardLibraryDoes) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> exponent(-12, 6);
  for (int i = 0; i < 100'000; ++i) {
    const double seconds = (i % 2 == 0 ? 1 : -1) * std::pow(10, exponent(random));
    const double halves = std::round(seconds * 2e9) / 2e9;  // on or beside a half
    for (const double each : {seconds, halves})
      ASSERT_EQ(from_seconds(each).count(), std::llround(each * 1e9)) << each;
  }
}

TEST(Time, SecondsSurviveTheRoundTrip) {
  for (const std::int64_t count : {1LL, 999LL, 123'456'789LL, 86'400'000'000'000LL}) {
    EXPECT_EQ(from_seconds(to_seconds(Duration(count))).count(), count);
    EXPECT_EQ(to_seconds(TimePoint(Duration(count))), to_seconds(Duration(count)));
  }
}

TEST(Time, NeverIsLaterThanAnyRun) {
  EXPECT_GT(kNever, TimePoint(std::chrono::hours(24 * 365 * 100)));
}

TEST(Ids, OrderByValue) {
  EXPECT_LT(RequestId{1}, RequestId{2});
  EXPECT_EQ(TaskId{}, TaskId{0});
}

TEST(Layouts, SizeIsTheProduct) {
  EXPECT_EQ(Layout{}.size(), 1);
  EXPECT_EQ((Layout{.cfg = 2, .ulysses = 3, .ring = 5, .tp = 7}).size(), 210);
}

TEST(Layouts, OfOneSizeAreStillDifferent) {
  EXPECT_NE((Layout{.ulysses = 2}), (Layout{.ring = 2}));
  EXPECT_NE((Layout{.cfg = 2}), (Layout{.tp = 2}));
}

Group upto(std::uint32_t n) {
  Group group;
  for (std::uint32_t i = 0; i < n; ++i) group.push_back(GpuId{i});
  return group;
}

TEST(Groups, KeepTheOrderOfRanks) {
  const Group group{GpuId{5}, GpuId{2}, GpuId{9}};
  ASSERT_EQ(group.size(), 3u);
  EXPECT_EQ(group[0], GpuId{5});
  EXPECT_EQ(group[2], GpuId{9});
  EXPECT_TRUE(group.contains(GpuId{2}));
  EXPECT_FALSE(group.contains(GpuId{3}));
  EXPECT_NE(group, (Group{GpuId{2}, GpuId{5}, GpuId{9}})) << "another order is another group";
}

TEST(Groups, AreEqualWhateverTheyHeldBefore) {
  Group group = upto(7);
  group.clear();
  EXPECT_TRUE(group.empty());
  EXPECT_EQ(group, Group{});
  group.push_back(GpuId{4});
  EXPECT_EQ(group, Group{GpuId{4}});
  EXPECT_FALSE(group.contains(GpuId{1})) << "of its former life";
}

TEST(Groups, CopiesHaveAllMembersWhateverTheyHeldBefore) {
  for (std::uint32_t size = 0; size <= kMaxGroupSize + 1; ++size) {
    const Group group = upto(size);
    const Group made = group;
    EXPECT_EQ(made, group);
    for (const std::uint32_t before : {0u, 3u, 8u, 9u, 32u}) {
      Group assigned = upto(before);
      assigned = group;
      EXPECT_EQ(assigned, group);
      EXPECT_EQ(assigned.overflowed(), size > kMaxGroupSize);
      const Group& itself = assigned;
      assigned = itself;
      EXPECT_EQ(assigned, group);
    }
  }
}

TEST(Groups, FirstIsAPrefix) {
  EXPECT_EQ(upto(5).first(3), upto(3));
  EXPECT_EQ(upto(5).first(5), upto(5));
  EXPECT_EQ(upto(5).first(9), upto(5)) << "no more than there are";
  EXPECT_EQ(upto(5).first(0), Group{});
}

TEST(Groups, KeepWhatFitsAndSayThatSomethingDidNot) {
  const auto full = static_cast<std::uint32_t>(kMaxGroupSize);
  EXPECT_FALSE(upto(full).overflowed());
  const Group over = upto(full + 3);
  EXPECT_TRUE(over.overflowed());
  EXPECT_EQ(over.size(), kMaxGroupSize);
  EXPECT_EQ(std::span<const GpuId>(over).size(), kMaxGroupSize);
  EXPECT_FALSE(over.contains(GpuId{full}));
  EXPECT_NE(over, upto(full));
}

TEST(Groups, SpanBothWays) {
  const std::vector<GpuId> ids{GpuId{3}, GpuId{1}};
  const Group group(std::span<const GpuId>{ids});
  const std::span<const GpuId> back = group;
  EXPECT_TRUE(std::ranges::equal(back, ids));
}

}  // namespace
}  // namespace regroup
