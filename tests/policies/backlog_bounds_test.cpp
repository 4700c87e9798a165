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

// How many lanes were asked in 500 questions of 20 lanes, each time after one got up to that many
// steps. With `told`, bounds learn of a lane that ran dry, as BoundLanes tells them.
std::size_t asked_lanes(unsigned seed, unsigned most_steps, bool told) {
  std::mt19937 random(seed);
  std::vector<SteppingLane> lanes(20);
  BacklogBounds bounds;
  for (std::size_t i = 0; i < lanes.size(); ++i) bounds.add_lane();
  TimePoint now{};
  std::size_t asked = 0;
  for (int i = 0; i < 500; ++i) {
    const TimePoint before = now;
    now += Duration(random() % 50);
    const auto left = [&](std::size_t lane) { return lanes[lane].backlog(now); };
    for (std::size_t lane = 0; told && lane < lanes.size(); ++lane)
      if (lanes[lane].backlog(before) > 0ns && left(lane) == 0ns) bounds.changed(lane);
    const std::size_t lane = random() % lanes.size();
    lanes[lane] = {now, Duration(1 + random() % 30), static_cast<int>(random() % most_steps)};
    bounds.changed(lane);
    bounds.renew(
        [&](std::size_t l) { return left(l) == 0ns ? BacklogBounds::kNothing : now + left(l); });
    const auto least =
        std::ranges::min_element(lanes, {}, [&](const SteppingLane& l) { return l.backlog(now); });
    const std::size_t found = bounds.least(now, [&](std::size_t l) {
      ++asked;
      return left(l);
    });
    EXPECT_EQ(found, static_cast<std::size_t>(least - lanes.begin())) << "seed " << seed;
  }
  return asked;
}

TEST(BacklogBounds, FindTheLeastAndTheFirstOfSeveral) {
  for (unsigned seed = 0; seed < 20; ++seed)
    for (const unsigned most_steps : {8u, 80u})  // most lanes dry, hardly any
      for (const bool told : {false, true}) asked_lanes(seed, most_steps, told);
}

TEST(BacklogBounds, AskFewLanes) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    EXPECT_LT(asked_lanes(seed, 8, true), 500u * 20 / 10);
    EXPECT_LT(asked_lanes(seed, 80, true), 500u * 20 / 4);
  }
}

}  // namespace
}  // namespace regroup
