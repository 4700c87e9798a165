// A world of ranks that take turns under a virtual clock, for tests of what goes wrong: the same
// every time, and no waiting.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "runtime/collectives/collectives.hpp"
#include "runtime/collectives/describe.hpp"
#include "tests/collectives/program.hpp"
#include "tests/collectives/turns.hpp"

namespace regroup::collectives::testing {

using TurnCollectives = Collectives<TurnPause, TurnClock>;

class TurnWorld {
 public:
  explicit TurnWorld(int ranks, bool checksums = false)
      : world({.ranks = ranks, .slot_bytes = kLargestShape.bytes(), .checksums = checksums}),
        turns(ranks) {}

  TurnCollectives rank(int rank, std::int64_t frozen_until_ns = 0) {
    return {world, rank, TurnPause{&turns, rank, frozen_until_ns}, TurnClock{&turns}};
  }

  // Every rank carries out its program, and goes on after a failure as if nothing had happened.
  // Returns how each of its items ended.
  std::vector<std::vector<Status>> run(const std::vector<Program>& programs) {
    std::vector<std::vector<Status>> ends(programs.size());
    const std::int64_t deadline = turns.now_ns() + kPatience;
    turns.run([&](int self) {
      TurnCollectives collectives = rank(self);
      for (const Item& item : programs[static_cast<std::size_t>(self)])
        ends[static_cast<std::size_t>(self)].push_back(carry_out(collectives, item, deadline));
    });
    return ends;
  }

  // Each rank's part of one order of all.
  std::vector<Program> parts(const Program& whole) const {
    std::vector<Program> programs(static_cast<std::size_t>(world.ranks()));
    for (int rank = 0; rank < world.ranks(); ++rank)
      for (const Item& item : whole)
        if (item.concerns(rank)) programs[static_cast<std::size_t>(rank)].push_back(item);
    return programs;
  }

  // Whatever happened: after re-arming, all of it works.
  void expect_works_again(std::uint64_t seed = 0) {
    world.rearm();
    EXPECT_TRUE(world.failures().empty());
    RandomStream random(seed, "after re-arming");
    for (const std::vector<Status>& ends : run(parts(random_collectives(random, world, 20, 1000))))
      EXPECT_EQ(std::count(ends.begin(), ends.end(), Status::kOk), std::ssize(ends));
    for (const Failure& failure : world.failures()) ADD_FAILURE() << describe(failure);
  }

  static constexpr std::int64_t kPatience = 20 * kMillisecond;

  World world;
  Turns turns;
};

}  // namespace regroup::collectives::testing
