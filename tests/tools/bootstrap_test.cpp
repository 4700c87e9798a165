#include "tools/compare/bootstrap.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/random.hpp"

namespace regroup::tools {
namespace {

TEST(Bootstrap, NoDifferencesHaveNoWidth) {
  const std::vector<double> zeros(50, 0.0);
  const Interval interval = bootstrap_mean(zeros, "zeros");
  EXPECT_EQ(interval.mean, 0);
  EXPECT_EQ(interval.low, 0);
  EXPECT_EQ(interval.high, 0);
}

TEST(Bootstrap, NothingHasNoMean) {
  const Interval interval = bootstrap_mean({}, "nothing");
  EXPECT_TRUE(std::isnan(interval.mean));
  EXPECT_TRUE(std::isnan(interval.low));
}

// 120 ones of 400: the normal approximation is mean +- 1.96 sqrt(p (1 - p) / n) = 0.3 +- 0.0449.
TEST(Bootstrap, AgreesWithTheNormalApproximation) {
  std::vector<double> values(400, 0.0);
  for (std::size_t i = 0; i < 120; ++i) values[i] = 1;
  const Interval interval = bootstrap_mean(values, "ones");
  EXPECT_DOUBLE_EQ(interval.mean, 0.3);
  EXPECT_NEAR(interval.low, 0.3 - 0.0449, 0.006);
  EXPECT_NEAR(interval.high, 0.3 + 0.0449, 0.006);
}

TEST(Bootstrap, IsAFunctionOfItsArguments) {
  std::vector<double> values;
  RandomStream random(1, "values");
  for (int i = 0; i < 60; ++i) values.push_back(random.normal());
  const Interval a = bootstrap_mean(values, "a"), again = bootstrap_mean(values, "a");
  EXPECT_EQ(a.low, again.low);
  EXPECT_EQ(a.high, again.high);
  EXPECT_NE(a.low, bootstrap_mean(values, "b").low);
}

// Of 300 samples whose true mean is 0, about 95 % must have it inside.
TEST(Bootstrap, CoversTheTruthAsOftenAsItSays) {
  RandomStream random(7, "coverage");
  int covered = 0;
  for (int sample = 0; sample < 300; ++sample) {
    std::vector<double> values;
    for (int i = 0; i < 80; ++i) {
      const double u = random.uniform();
      values.push_back(u < 0.2 ? -1 : u < 0.4 ? 1 : 0);
    }
    const Interval interval = bootstrap_mean(values, "coverage", 400);
    covered += interval.low <= 0 && 0 <= interval.high;
  }
  EXPECT_GE(covered, 273);  // 91 %
  EXPECT_LE(covered, 297);  // 99 %
}

}  // namespace
}  // namespace regroup::tools
