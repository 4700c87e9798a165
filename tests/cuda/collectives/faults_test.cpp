// What goes wrong is reported, drains, and is gone after re-arming; in every way of waiting.
#include <algorithm>
#include <array>
#include <utility>

#include "runtime/collectives/describe.hpp"
#include "runtime/cuda/gpu/rank_threads.hpp"
#include "runtime/cuda/portable/check.hpp"
#include "tests/cuda/collectives/node.hpp"

namespace regroup::cuda {
namespace {

using collectives::Channel;
using collectives::Failure;
using collectives::Op;
using collectives::RankGroup;
using collectives::Refusal;
using collectives::Status;
using collectives::testing::random_collectives;
using testing::kNever;
using testing::kShort;
using testing::Node;
using testing::Program;

class DeviceFaults : public ::testing::TestWithParam<SyncMode> {
 protected:
  static bool any(const std::vector<Failure>& failures, Status status) {
    return std::any_of(failures.begin(), failures.end(),
                       [status](const Failure& failure) { return failure.status == status; });
  }
};

// Two ranks at two collectives in two orders. Nobody waits for the watchdog: it would take longer
// than a test may.
TEST_P(DeviceFaults, AnOrderTurnedRoundIsAMismatch) {
  Node node(4, GetParam(), kNever);
  const std::array all = {0, 1, 2, 3};
  const std::array some = {1, 0};
  const Program whole = {{Op::kAllGather, node.world().form(all, 1), {8, 2, 16, 1}, 0},
                         {Op::kBarrier, node.world().form(some, 2), {}, 0},
                         {Op::kBarrier, node.world().form(all, 3), {}, 0}};
  std::vector<Program> programs = node.parts(whole);
  std::swap(programs[1][0], programs[1][1]);
  node.run(programs);

  const std::vector<Failure> failures = node.world().failures();
  EXPECT_TRUE(any(failures, Status::kMismatch));
  EXPECT_EQ(failures.size(), 4u) << "the last barrier joins all";
  for (const Failure& failure : failures) {
    if (failure.status == Status::kMismatch) {
      EXPECT_LE(failure.rank, 1) << describe(failure);
      EXPECT_LE(failure.peer, 1) << describe(failure);
      EXPECT_EQ(failure.sequence, 1u) << describe(failure);
      EXPECT_NE(failure.own.op, failure.theirs.op) << describe(failure);
    } else {
      EXPECT_EQ(failure.status, Status::kAborted) << describe(failure);
    }
  }
  node.expect_works_again();
}

TEST_P(DeviceFaults, ARankThatNeverComesIsNamed) {
  Node node(4, GetParam(), kShort);
  const std::array all = {3, 2, 1, 0};
  const std::array others = {0, 1, 3};
  const Program whole = {{Op::kSeqToHeads, node.world().form(all, 1), {9, 4, 4, 3}, 0},
                         {Op::kBarrier, node.world().form(others, 2), {}, 0}};
  std::vector<Program> programs = node.parts(whole);
  programs[2].clear();
  node.run(programs);

  EXPECT_TRUE(any(node.world().failures(), Status::kTimeout));
  for (const int rank : others) {
    const Failure* const failure = node.world().failure(rank, Channel::kCollectives);
    ASSERT_NE(failure, nullptr) << "rank " << rank;
    EXPECT_EQ(failure->status == Status::kTimeout ? failure->peer : failure->accused, 2)
        << describe(*failure);
  }
  EXPECT_EQ(node.world().failure(2, Channel::kCollectives), nullptr) << "it was asked for nothing";
  node.expect_works_again();
}

// The others of the world go on.
TEST_P(DeviceFaults, GroupsWithoutAFailedRankAreNotConcerned) {
  Node node(4, GetParam(), kNever);
  const std::array left = {0, 1};
  const std::array right = {3, 2};
  Program whole = {{Op::kBarrier, node.world().form(left, 1), {}, 0}};
  for (std::uint64_t step = 2; step < 10; ++step)
    whole.push_back({Op::kHeadsToSeq, node.world().form(right, step), {7, 3, 16, 1}, 0});
  std::vector<Program> programs = node.parts(whole);
  programs[1][0].group.step = 99;
  const std::vector<testing::Work> works = node.run(programs);
  for (const int rank : right) {
    EXPECT_EQ(node.world().failure(rank, Channel::kCollectives), nullptr);
    works[static_cast<std::size_t>(rank)].expect_right();
  }
  for (const int rank : left) EXPECT_NE(node.world().failure(rank, Channel::kCollectives), nullptr);
  node.expect_works_again();
}

// Before anything is sent, by all members.
TEST_P(DeviceFaults, WhatCannotBeIsRefused) {
  Node node(3, GetParam(), kNever);
  const std::array all = {0, 1, 2};
  const std::array others = {0, 1};
  on_every_rank(node.machine(), [&](int rank) {
    const RankGroup group = node.world().form(all, 1);
    node.collectives(rank).exchange(node.compute(rank), Op::kAllGather, group,
                                    {3 * testing::kSlotBytes + 16384, 1, 1, 1}, 0, nullptr);
    if (rank == 2)
      node.puts(rank).put(node.migration(rank), node.world().form(others, 1), 0, nullptr, 1);
    if (rank == 0)
      node.puts(rank).put(node.migration(rank), node.world().form(others, 2), 8190, nullptr, 3);
    check(cudaStreamSynchronize(node.compute(rank)), "refusing");
    check(cudaStreamSynchronize(node.migration(rank)), "refusing");
  });
  for (const int rank : all) {
    const Failure* const failure = node.world().failure(rank, Channel::kCollectives);
    ASSERT_NE(failure, nullptr);
    EXPECT_EQ(failure->refusal, Refusal::kSlotBytes) << describe(*failure);
    EXPECT_GT(failure->asked, failure->allowed);
  }
  EXPECT_EQ(node.world().failure(2, Channel::kPuts)->refusal, Refusal::kNotMember);
  EXPECT_EQ(node.world().failure(0, Channel::kPuts)->refusal, Refusal::kWindowBytes);
  EXPECT_EQ(node.world().failure(0, Channel::kPuts)->asked, 8193u);
  node.expect_works_again();
}

// Two neighbours of one rank's program change places: whoever notices what first, all drains, and
// what did not fail at any member is right.
TEST_P(DeviceFaults, RandomProgramsWithTwoItemsTurnedRound) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    RandomStream random(seed, "turned round");
    Node node(static_cast<int>(2 + random.below(5)), GetParam(), kShort);
    const Program whole = random_collectives(random, node.world(), 16);
    std::vector<Program> programs = node.parts(whole);
    Program& one = programs[random.below(programs.size())];
    if (one.size() < 2) continue;
    const std::size_t first = random.below(one.size() - 1);
    std::swap(one[first], one[first + 1]);
    if (one[first].group.size == 1 || one[first + 1].group.size == 1) continue;  // nobody minds
    const std::vector<testing::Work> works = node.run(programs);
    EXPECT_FALSE(node.world().failures().empty());
    for (int rank = 0; rank < node.world().ranks(); ++rank)
      if (node.world().failure(rank, Channel::kCollectives) == nullptr)
        works[static_cast<std::size_t>(rank)].expect_right();
    node.expect_works_again(seed);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, DeviceFaults,
                         ::testing::Values(SyncMode::kSpin, SyncMode::kMemop, SyncMode::kEvent),
                         [](const auto& instance) { return sync_mode_name(instance.param); });

}  // namespace
}  // namespace regroup::cuda
