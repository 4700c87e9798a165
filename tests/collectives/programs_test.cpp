// Random programs on real threads: two for each rank, for collectives and for puts.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "runtime/collectives/collectives.hpp"
#include "runtime/collectives/describe.hpp"
#include "runtime/collectives/puts.hpp"
#include "tests/collectives/program.hpp"

namespace regroup::collectives {
namespace {

using testing::Item;
using testing::Program;
using testing::random_collectives;
using testing::random_group;
using testing::random_puts;

struct SteadyClock {
  std::int64_t operator()() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
};

// Far beyond what a test may take: only what would hang forever runs into it.
std::int64_t deadline() { return SteadyClock{}() + std::int64_t{100'000'000'000}; }

void run(World& world, const Program& collectives_program, const Program& puts_program) {
  const std::int64_t latest = deadline();
  std::vector<std::thread> threads;
  for (int rank = 0; rank < world.ranks(); ++rank) {
    threads.emplace_back([&, rank] {
      Collectives collectives(world, rank, SpinThenYield{}, SteadyClock{});
      for (const Item& item : collectives_program)
        if (item.concerns(rank) && carry_out(collectives, item, latest) != Status::kOk) {
          ADD_FAILURE() << describe(collectives.failure());
          return;
        }
    });
    threads.emplace_back([&, rank] {
      Puts puts(world, rank, SpinThenYield{}, SteadyClock{});
      Receipts receipts(world, rank, SpinThenYield{}, SteadyClock{});
      for (const Item& item : puts_program)
        if (item.concerns(rank) &&
            carry_out_put(puts, receipts, world, item, latest) != Status::kOk) {
          ADD_FAILURE() << describe(puts.failure()) << describe(receipts.failure());
          return;
        }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(world.failures().empty());
}

// With real threads, unlike faults_test.cpp: who finds what out first differs from run to run.
TEST(Programs, ADeadRankStopsNobodyForever) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    RandomStream random(seed, "dead rank");
    World world({.ranks = static_cast<int>(2 + random.below(7)),
                 .slot_bytes = testing::kLargestShape.bytes(),
                 .window_bytes = 4096});
    Program program = random_collectives(random, world, 20);
    program.push_back({Op::kBarrier, random_group(random, world, 2, 50), {}, 0});
    const int dead = program.back().group.ranks[0];
    const std::int64_t latest = SteadyClock{}() + 10'000'000;
    std::vector<std::thread> threads;
    for (int rank = 0; rank < world.ranks(); ++rank)
      if (rank != dead)
        threads.emplace_back([&, rank] {
          Collectives collectives(world, rank, SpinThenYield{}, SteadyClock{});
          for (const Item& item : program)
            if (item.concerns(rank)) (void)carry_out(collectives, item, latest);
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_FALSE(world.failures().empty());
    world.rearm();
    run(world, random_collectives(random, world, 20, 100), random_puts(random, world, 5, 100));
    if (HasFailure()) return;
  }
}

constexpr int kProgramsASize = 24;

class Programs : public ::testing::TestWithParam<int> {};

TEST_P(Programs, GiveWhatASerialOracleGives) {
  for (int seed = 0; seed < kProgramsASize; ++seed) {
    SCOPED_TRACE(::testing::Message() << GetParam() << " ranks, seed " << seed);
    RandomStream random(static_cast<std::uint64_t>(seed), "programs" + std::to_string(GetParam()));
    World world({.ranks = GetParam(),
                 .slot_bytes = testing::kLargestShape.bytes(),
                 .window_bytes = 4096,
                 .checksums = random.below(2) == 0});
    run(world, random_collectives(random, world, 24), random_puts(random, world, 12));
    if (random.below(4) == 0) {  // nothing failed, and yet it may be armed again
      world.rearm();
      run(world, random_collectives(random, world, 6, 100), random_puts(random, world, 6, 100));
    }
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Worlds, Programs,
                         ::testing::Values(2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16),
                         [](const auto& instance) { return std::to_string(instance.param); });

// As many ranks as processors may spin; one rank alone waits for nobody.
TEST(Programs, SpinningIsEnoughForOne) {
  World world({.ranks = 1, .slot_bytes = testing::kLargestShape.bytes()});
  Collectives collectives(world, 0, Spin{}, SteadyClock{});
  RandomStream random(1, "one");
  for (const Item& item : random_collectives(random, world, 50))
    EXPECT_EQ(carry_out(collectives, item, deadline()), Status::kOk);
}

}  // namespace
}  // namespace regroup::collectives
