// Random programs with a random fault: nothing hangs, nothing wrong is taken for right (carry_out
// checks that), the fault is reported, and the world can be armed again.
#include <gtest/gtest.h>

#include "tests/collectives/faults.hpp"

namespace regroup::collectives {
namespace {

using testing::Item;
using testing::Program;
using testing::random_collectives;
using testing::TurnWorld;

struct Victim {
  std::size_t rank;
  std::size_t item;  // of its program
};

// An item of more than one member; every program of 20 items has one.
Victim random_victim(RandomStream& random, const std::vector<Program>& programs) {
  for (;;) {
    const std::size_t rank = random.below(programs.size());
    if (programs[rank].empty()) continue;
    const std::size_t item = random.below(programs[rank].size());
    if (programs[rank][item].group.size > 1) return {rank, item};
  }
}

template <class Break>
void run_broken(const char* name, Break break_it) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(::testing::Message() << name << ", seed " << seed);
    RandomStream random(seed, name);
    TurnWorld ranks(static_cast<int>(2 + random.below(15)), random.below(2) == 0);
    auto programs = ranks.parts(random_collectives(random, ranks.world, 20));
    const Victim victim = random_victim(random, programs);
    break_it(random, programs[victim.rank], victim.item);
    ranks.run(programs);
    EXPECT_FALSE(ranks.world.failures().empty());
    ranks.expect_works_again(seed);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(RandomFaults, RankDies) {
  run_broken("dies", [](RandomStream&, Program& program, std::size_t at) { program.resize(at); });
}

TEST(RandomFaults, RankSkipsAnItem) {
  run_broken("skips", [](RandomStream&, Program& program, std::size_t at) {
    program.erase(program.begin() + static_cast<std::ptrdiff_t>(at));
  });
}

TEST(RandomFaults, RankHasAnotherSize) {
  run_broken("size", [](RandomStream&, Program& program, std::size_t at) {
    Item& item = program[at];
    if (item.op == Op::kBarrier) item.op = Op::kAllGather;
    item.shape.tensors = item.shape.tensors % 3 + 1;
  });
}

TEST(RandomFaults, RankDoesAnItemTwice) {
  run_broken("twice", [](RandomStream&, Program& program, std::size_t at) {
    program.insert(program.begin() + static_cast<std::ptrdiff_t>(at), program[at]);
  });
}

// Two items of one rank in the wrong order. If no pair of ranks shares both, there may be nothing
// wrong with that; but nothing hangs, and what says kOk is right.
TEST(RandomFaults, RankSwapsTwoItems) {
  int reported = 0;
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    RandomStream random(seed, "swaps");
    TurnWorld ranks(static_cast<int>(2 + random.below(15)));
    auto programs = ranks.parts(random_collectives(random, ranks.world, 20));
    Program& program = programs[random_victim(random, programs).rank];
    if (program.size() < 2) continue;
    const std::size_t at = random.below(program.size() - 1);
    std::swap(program[at], program[at + 1]);
    ranks.run(programs);
    if (!ranks.world.failures().empty()) ++reported;
    ranks.expect_works_again(seed);
    if (HasFailure()) return;
  }
  EXPECT_GT(reported, 60);
}

}  // namespace
}  // namespace regroup::collectives
