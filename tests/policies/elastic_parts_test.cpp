// The parts of elastic, each against what it is said to compute.
#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "policies/builtin/elastic/ageing.hpp"
#include "policies/builtin/elastic/standby.hpp"
#include "policies/builtin/elastic/triage.hpp"

namespace regroup::elastic {
namespace {

TimePoint at(double seconds) { return TimePoint(from_seconds(seconds)); }

struct Work {
  double gpu_seconds;
  double until;
};

// The most requests that can be in time: all subsets, each in order of deadline.
int most_in_time(const std::vector<Work>& all, double supply) {
  int most = 0;
  for (unsigned subset = 0; subset < 1u << all.size(); ++subset) {
    double sum = 0;
    bool in_time = true;
    int count = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if ((subset >> i & 1u) == 0) continue;
      sum += all[i].gpu_seconds;
      in_time = in_time && sum <= supply * all[i].until;
      ++count;
    }
    if (in_time) most = std::max(most, count);
  }
  return most;
}

TEST(ElasticTriage, SavesAsManyAsAnySubsetCould) {
  std::mt19937_64 random(1);
  const auto draw = [&] { return 1 + static_cast<double>(random() % 20); };
  Triage triage;
  for (int round = 0; round < 300; ++round) {
    std::vector<Work> all(10);
    for (Work& work : all) work = {draw() * 2, draw()};
    std::ranges::sort(all, {}, &Work::until);
    int kept = 0;
    triage.begin(4, 0);
    for (std::size_t i = 0; i < all.size(); ++i) {
      ++kept;
      triage.add(static_cast<std::uint32_t>(i), all[i].gpu_seconds, all[i].until,
                 [&](std::uint32_t) { --kept; });
    }
    EXPECT_EQ(kept, most_in_time(all, 4)) << "round " << round;
  }
}

TEST(ElasticTriage, WhatIsPromisedComesFirst) {
  Triage triage;
  bool dropped = false;
  triage.begin(2, 10);
  triage.add(0, 11, 10, [&](std::uint32_t) { dropped = true; });
  EXPECT_TRUE(dropped);  // 10 + 11 of 20 GPU seconds
}

TEST(ElasticAgeing, CreditIsAShareOfTheTimeSomebodyIsDue) {
  Ageing ageing(0.1);
  ageing.advance(at(0), 8, false);
  ageing.advance(at(100), 8, true);  // due from now on
  EXPECT_FALSE(ageing.afford(0.5));
  EXPECT_DOUBLE_EQ(ageing.wait(8, 8), 10);
  ageing.advance(at(110), 8, true);
  EXPECT_TRUE(ageing.afford(7.5));
  EXPECT_FALSE(ageing.afford(7.5));
  EXPECT_DOUBLE_EQ(ageing.wait(8.5, 8), 10);
  ageing.advance(at(111), 8, false);  // nobody: what is left is not saved up
  ageing.advance(at(200), 8, true);
  EXPECT_FALSE(ageing.afford(0.1));
}

TEST(ElasticStandby, KeepsNothingForThoseWhoCanWait) {
  Standby standby;
  for (int i = 0; i < 50; ++i) standby.steps(0.1);
  for (int i = 0; i < 20; ++i) standby.arrived(at(i), 5.0, 4);
  EXPECT_EQ(standby.count(at(20), 8), 0);
  EXPECT_EQ(standby.worth(at(20), 1), 0);
}

TEST(ElasticStandby, TheFirstIsWorthTheRateOfThoseWhoCannot) {
  Standby standby;
  for (int i = 0; i < 50; ++i) standby.steps(1.0);
  for (int i = 0; i < 20; ++i) standby.arrived(at(2.0 * i), 0.01, 4);
  const TimePoint now = at(38);
  EXPECT_NEAR(standby.worth(now, 1), 0.5, 1e-9);
  EXPECT_LT(standby.worth(now, 2), standby.worth(now, 1));
  EXPECT_GE(standby.count(now, 8), 1);
  EXPECT_EQ(standby.count(now, 0), 0);
  EXPECT_EQ(standby.count(at(1000), 8), 0);  // none came for long
}

TEST(ElasticStandby, ThousandsASecondAreCountedToo) {
  Standby standby;
  for (int i = 0; i < 400; ++i) standby.steps(1.0);
  for (int i = 0; i < 400; ++i) standby.arrived(at(0.0005 * i), 0.01, 1);
  const TimePoint now = at(0.0005 * 399);
  // 2,000 during a step, give or take 45: more than one in 8,000 chances for so many.
  EXPECT_NEAR(standby.count(now, 10000), 2000 + 3.66 * 45, 10);
  EXPECT_NEAR(standby.worth(now, 2001), 1000, 30) << "as likely as not";
}

}  // namespace
}  // namespace regroup::elastic
