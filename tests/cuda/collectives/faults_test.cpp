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

// No two ranks share a pair of operations, so nobody can see that the orders contradict each other.
TEST_P(DeviceFaults, ARingOfOrdersEndsAtTheDeadline) {
  Node node(3, GetParam(), kShort);
  const auto barrier = [&node](int a, int b, std::uint64_t step) -> testing::Item {
    const std::array ranks = {a, b};
    return {Op::kBarrier, node.world().form(ranks, step), {}, 0};
  };
  const testing::Item a = barrier(0, 1, 1);
  const testing::Item b = barrier(1, 2, 2);
  const testing::Item c = barrier(2, 0, 3);
  node.run({{a, c}, {b, a}, {c, b}});
  EXPECT_TRUE(any(node.world().failures(), Status::kTimeout));
  EXPECT_FALSE(any(node.world().failures(), Status::kMismatch));
  node.expect_works_again();
}

// Two neighbours of one rank's program, which it has with the same peer, change places: whoever
// notices what first, all drains without the watchdog, and what ranks that did not fail have done
// is right.
TEST_P(DeviceFaults, RandomProgramsWithTwoItemsTurnedRound) {
  const std::int64_t watchdog_ns = GetParam() == SyncMode::kSpin ? kNever : kShort;
  std::uint64_t turned = 0;
  for (std::uint64_t seed = 0; turned < testing::kPrograms; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    RandomStream random(seed, "turned round");
    Node node(static_cast<int>(2 + random.below(5)), GetParam(), watchdog_ns);
    std::vector<Program> programs = node.parts(random_collectives(random, node.world(), 16));
    const int rank = static_cast<int>(random.below(programs.size()));
    Program& own = programs[static_cast<std::size_t>(rank)];
    if (own.size() < 2) continue;
    testing::Item& first = own[random.below(own.size() - 1)];
    testing::Item& second = *(&first + 1);
    bool share_a_peer = false;
    for (int peer = 0; peer < node.world().ranks(); ++peer)
      if (peer != rank && first.concerns(peer) && second.concerns(peer)) share_a_peer = true;
    if (!share_a_peer) continue;
    ++turned;
    std::swap(first, second);
    const std::vector<testing::Work> works = node.run(programs);
    EXPECT_TRUE(any(node.world().failures(), Status::kMismatch));
    for (int other = 0; other < node.world().ranks(); ++other)
      if (node.world().failure(other, Channel::kCollectives) == nullptr)
        works[static_cast<std::size_t>(other)].expect_right();
    node.expect_works_again(seed);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, DeviceFaults,
                         ::testing::Values(SyncMode::kSpin, SyncMode::kMemop, SyncMode::kEvent),
                         [](const auto& instance) { return sync_mode_name(instance.param); });

}  // namespace
}  // namespace regroup::cuda
