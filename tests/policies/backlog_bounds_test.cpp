#include "policies/builtin/lanes/backlog_bounds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace regroup {
namespace {

using namespace std::chrono_literals;

// A lane that ends its steps one after another: its backlog falls at the ends of steps.
struct SteppingLane {
  TimePoint begun{};
  Duration step{};
  int steps = 0;
  Duration backlog(TimePoint now) const {
    const auto done = std::min<std::int64_t>(steps, step > 0ns ? (now - begun) / step : 0);
    return (steps - done) * step;
  }
};

TEST(BacklogBounds, FindTheLeastAndTheFirstOfSeveral) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    std::vector<SteppingLane> lanes(20);
    BacklogBounds bounds;
    for (std::size_t i = 0; i < lanes.size(); ++i) bounds.add_lane();
    TimePoint now{};
    std::size_t asked = 0;
    for (int i = 0; i < 500; ++i) {
      now += Duration(random() % 50);
      const std::size_t lane = random() % lanes.size();
      lanes[lane] = {now, Duration(1 + random() % 30), static_cast<int>(random() % 8)};
      bounds.changed(lane);
      bounds.renew([&](std::size_t l) {
        const Duration left = lanes[l].backlog(now);
        return left == 0ns ? BacklogBounds::kNothing : now + left;
      });
      const auto least = std::ranges::min_element(
          lanes, {}, [&](const SteppingLane& l) { return l.backlog(now); });
      const std::size_t found = bounds.least(now, [&](std::size_t l) {
        ++asked;
        return lanes[l].backlog(now);
      });
      ASSERT_EQ(lanes[found].backlog(now), least->backlog(now)) << "seed " << seed;
      // A lane that ran dry since it was asked last counts as one with nothing left, too.
      ASSERT_EQ(found, static_cast<std::size_t>(least - lanes.begin())) << "seed " << seed;
    }
    EXPECT_LT(asked, 500u * lanes.size() / 2);
  }
}

}  // namespace
}  // namespace regroup
