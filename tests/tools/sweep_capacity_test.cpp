#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include "tools/sweep/capacity.hpp"

namespace regroup::tools {
namespace {

// Violation rates of a curve with noise that depends on point and seed only, in [0, 1].
std::function<ProbeRun(double, int)> noisy(std::function<double(double)> curve, double noise) {
  return [curve, noise](double point, int seed) -> ProbeRun {
    std::mt19937_64 engine(static_cast<std::uint64_t>(point * 1e6) * 1000 +
                           static_cast<std::uint64_t>(seed));
    std::normal_distribution<double> draw(0, noise);
    return {std::clamp(curve(point) + draw(engine), 0.0, 1.0), 1000};
  };
}

// Logistic: 5 % at a point of 10 - ln(19) / 1.5, which is 8.037.
double logistic(double load) { return 1 / (1 + std::exp(-1.5 * (load - 10))); }
const double kCrossing = 10 - std::log(19.0) / 1.5;

TEST(CapacitySearch, FindsTheCrossingOfACurveWithoutNoise) {
  const CapacitySearch search{.easy = 1, .hard = 20, .tolerance = 0.01};
  const Capacity found = search_capacity(search, noisy(logistic, 0));
  EXPECT_EQ(found.end, Capacity::End::kBetween);
  EXPECT_LE(found.answer().point, kCrossing);
  EXPECT_GT(*found.over_point(), kCrossing);
  EXPECT_LE(*found.over_point() - found.answer().point, 0.01 * *found.over_point());
  EXPECT_TRUE(found.decided);
  EXPECT_TRUE(found.monotone);
}

TEST(CapacitySearch, FindsItWithNoise) {
  const CapacitySearch search{.easy = 1, .hard = 20, .tolerance = 0.01, .max_seeds = 40};
  const Capacity found = search_capacity(search, noisy(logistic, 0.02));
  EXPECT_NEAR(found.answer().point, kCrossing, 0.4);
  EXPECT_TRUE(found.monotone);
}

TEST(CapacitySearch, AddsSeedsOnlyWhereTheyDecide) {
  const CapacitySearch search{.easy = 1, .hard = 20, .tolerance = 0.01, .max_seeds = 40};
  const Capacity found = search_capacity(search, noisy(logistic, 0.02));
  int close = 0;
  for (const Probe& probe : found.probes) {
    EXPECT_GE(probe.seeds, 3);
    EXPECT_LE(probe.seeds, 40);
    EXPECT_TRUE(probe.decided || probe.seeds == 40) << probe.point;
    if (logistic(probe.point) > 0.5) {
      EXPECT_EQ(probe.seeds, 3) << probe.point;
    }
    close = std::max(close, probe.seeds);
  }
  EXPECT_GT(close, 3);
}

TEST(CapacitySearch, SaysWhenMeansDecided) {
  const CapacitySearch search{.easy = 1, .hard = 20, .max_seeds = 3};
  const Capacity found = search_capacity(search, noisy([](double) { return 0.05; }, 0.02));
  EXPECT_FALSE(found.decided);
}

// 20 requests without a violation do not show that fewer than 5 % of them are violated.
TEST(CapacitySearch, ShortRunsWithoutAViolationDoNotDecide) {
  const CapacitySearch search{.easy = 1, .hard = 2, .max_seeds = 10};
  const auto empty = [](double, int) -> ProbeRun { return {0, 10}; };
  const Capacity found = search_capacity(search, empty);
  // -ln(0.05) / (10 n) is at most 0.05 from six runs on.
  EXPECT_EQ(found.answer().seeds, 6);
}

TEST(CapacitySearch, WholeNumbersEndAtNeighbours) {
  // Harder is fewer GPUs: 13 are needed.
  const CapacitySearch search{.easy = 64, .hard = 1, .whole = true};
  const Capacity found = search_capacity(search, [](double gpus, int) -> ProbeRun {
    return {gpus < 13 ? 1.0 : 0.0, 1e4};
  });
  EXPECT_EQ(found.answer().point, 13);
  EXPECT_EQ(*found.over_point(), 12);
  EXPECT_LE(found.probes.size(), 8u);
}

TEST(CapacitySearch, EndsOfTheRange) {
  const CapacitySearch search{.easy = 1, .hard = 20};
  const auto always = [](double rate) {
    return [rate](double, int) -> ProbeRun { return {rate, 1e4}; };
  };
  const Capacity under = search_capacity(search, always(0));
  EXPECT_EQ(under.end, Capacity::End::kAllUnder);
  EXPECT_EQ(under.answer().point, 20);
  EXPECT_FALSE(under.over);
  const Capacity over = search_capacity(search, always(1));
  EXPECT_EQ(over.end, Capacity::End::kAllOver);
  EXPECT_EQ(*over.over_point(), 1);
  EXPECT_EQ(over.probes.size(), 1u);
}

// Surely more violations at 1 than at the harder 10.5, both under the target: the search ends, its
// answer was itself held to be under the target, and it says that the curve goes down in between.
TEST(CapacitySearch, NoticesACurveThatIsNotMonotone) {
  const CapacitySearch search{.easy = 1, .hard = 20, .target = 0.05};
  const auto valley = [](double load) { return load < 5 ? 0.03 : load < 15 ? 0.01 : 0.5; };
  const Capacity found = search_capacity(search, noisy(valley, 0.001));
  EXPECT_TRUE(found.answer().under);
  EXPECT_FALSE(found.monotone);
}

// Noise alone is no reason to say so.
TEST(CapacitySearch, NoiseIsNotTakenForTheSame) {
  const CapacitySearch search{.easy = 1, .hard = 20, .target = 0.05};
  const auto flat = [](double load) { return load < 15 ? 0.02 : 0.5; };
  EXPECT_TRUE(search_capacity(search, noisy(flat, 0.01)).monotone);
}

// Of many noisy curves, the answer is seldom off by more than the noise of some runs allows: at the
// crossing a curve rises by 0.07 a unit of load, and the mean of 3 runs is off by 0.01 or so.
TEST(CapacitySearch, IsSeldomFarOff) {
  int far = 0;
  for (int i = 0; i < 200; ++i) {
    const double shift = 0.01 * i;
    const CapacitySearch search{.easy = 1, .hard = 20, .tolerance = 0.02, .max_seeds = 20};
    const Capacity found =
        search_capacity(search, noisy([&](double load) { return logistic(load - shift); }, 0.015));
    if (std::abs(found.answer().point - kCrossing - shift) > 0.5) ++far;
  }
  EXPECT_LE(far, 10);
}

}  // namespace
}  // namespace regroup::tools
