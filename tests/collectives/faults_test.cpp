#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>

#include "tests/collectives/faults.hpp"

namespace regroup::collectives {
namespace {

using testing::Bytes;
using testing::Item;
using testing::kMillisecond;
using testing::Program;
using testing::TurnCollectives;
using testing::TurnWorld;

constexpr TensorShape kShape{7, 4, 3, 2};

RankGroup form(const TurnWorld& ranks, std::initializer_list<int> members, std::uint64_t step = 1) {
  return ranks.world.form({members.begin(), members.size()}, step);
}

Item all_to_all(const RankGroup& group) { return {Op::kSeqToHeads, group, kShape, 0}; }

// The failure of one rank's collectives.
const Failure& of(TurnWorld& ranks, int rank) {
  return ranks.world.channel(rank, Channel::kCollectives).failure;
}

TEST(Faults, KilledRankIsNamedByAll) {
  TurnWorld ranks(4);
  const Program program{all_to_all(form(ranks, {0, 2, 1, 3}, 5))};
  auto programs = ranks.parts(program);
  programs[2].clear();
  ranks.run(programs);
  ASSERT_EQ(ranks.world.failures().size(), 3u);
  for (const int rank : {0, 1, 3}) {
    const Failure& failure = of(ranks, rank);
    EXPECT_EQ(failure.status, Status::kTimeout);
    EXPECT_EQ(failure.rank, rank);
    EXPECT_EQ(failure.peer, 2);
    EXPECT_EQ(failure.sequence, 1u);
  }
  EXPECT_EQ(describe(of(ranks, 0)),
            "rank 0, peer 2, sequence 1: time-out: rank 2 did not enter number 1 before the "
            "deadline; rank 0 is at [all-to-all to heads of 2 x 7 tokens x 4 heads x 3 bytes, "
            "step 5, ranks (0 2 1 3)]");
  ranks.expect_works_again();
}

TEST(Faults, GroupsWithoutTheKilledRankGoOn) {
  TurnWorld ranks(4);
  Program program{all_to_all(form(ranks, {0, 1}, 1))};
  for (std::uint64_t step = 2; step < 40; ++step)
    program.push_back(all_to_all(form(ranks, {3, 2}, step)));
  auto programs = ranks.parts(program);
  programs[1].clear();
  const auto ends = ranks.run(programs);
  EXPECT_EQ(ends[0].back(), Status::kTimeout);
  for (const int rank : {2, 3}) EXPECT_EQ(of(ranks, rank).status, Status::kOk);
  ranks.expect_works_again();
}

// Rank 0 has failed in a group of which rank 2 knows nothing; rank 2 does not wait for it in vain.
TEST(Faults, WhoMeetsAFailedRankLaterFailsAtOnce) {
  TurnWorld ranks(3);
  auto programs = ranks.parts(
      {all_to_all(form(ranks, {0, 1}, 1)), {Op::kBarrier, form(ranks, {2, 0}, 2), {}, 0}});
  programs[1].clear();
  const std::int64_t deadline = TurnWorld::kPatience;
  ranks.turns.run([&](int self) {
    TurnCollectives collectives = ranks.rank(self);
    for (const Item& item : programs[static_cast<std::size_t>(self)])
      (void)carry_out(collectives, item, self == 2 ? 1000 * deadline : deadline);
  });
  EXPECT_EQ(of(ranks, 2).status, Status::kAborted);
  EXPECT_EQ(of(ranks, 2).accused, 1);
  EXPECT_EQ(
      describe(of(ranks, 2)),
      "rank 2, peer 0, sequence 1: abort: rank 0 had failed (time-out, naming rank 1); rank 2 "
      "is at [barrier, step 2, ranks (2 0)]");
  EXPECT_LT(ranks.turns.now_ns(), 2 * deadline);
  ranks.expect_works_again();
}

TEST(Faults, LateRankIsWaitedForUntilTheDeadline) {
  for (const bool in_time : {true, false}) {
    TurnWorld ranks(3);
    const Item item = all_to_all(form(ranks, {0, 1, 2}));
    ranks.turns.run([&](int self) {
      TurnCollectives collectives = ranks.rank(self);
      if (self == 1)
        ranks.turns.sleep_until(1, TurnWorld::kPatience + (in_time ? -2 : 2) * kMillisecond);
      const Status status = carry_out(collectives, item, TurnWorld::kPatience);
      EXPECT_EQ(status == Status::kOk, in_time) << self;
    });
    if (in_time) {
      EXPECT_TRUE(ranks.world.failures().empty());
      continue;
    }
    EXPECT_EQ(of(ranks, 0).status, Status::kTimeout);
    EXPECT_EQ(of(ranks, 0).peer, 1);
    // The late one finds all that its peers announced, and fails all the same.
    EXPECT_EQ(of(ranks, 1).status, Status::kAborted);
    EXPECT_EQ(of(ranks, 1).accused, 1);
    ranks.expect_works_again();
  }
}

TEST(Faults, SwappedEnqueuesAreNamedByBoth) {
  TurnWorld ranks(3);
  auto programs =
      ranks.parts({all_to_all(form(ranks, {0, 1, 2}, 1)), all_to_all(form(ranks, {1, 0}, 2))});
  std::swap(programs[1][0], programs[1][1]);
  ranks.run(programs);
  EXPECT_EQ(of(ranks, 0).status, Status::kMismatch);
  EXPECT_EQ(of(ranks, 0).peer, 1);
  EXPECT_EQ(of(ranks, 1).status, Status::kMismatch);
  EXPECT_EQ(of(ranks, 1).peer, 0);
  EXPECT_EQ(of(ranks, 2).status, Status::kAborted);
  EXPECT_EQ(describe(of(ranks, 1)),
            "rank 1, peer 0, sequence 1: mismatch: "
            "rank 1 is at [all-to-all to heads of 2 x 7 tokens x 4 heads x 3 bytes, step 2, ranks "
            "(1 0)], rank 0 at [all-to-all to heads of 2 x 7 tokens x 4 heads x 3 bytes, step 1, "
            "ranks (0 1 2)]");
  EXPECT_EQ(ranks.turns.now_ns(), 0) << "noticed at once, not by the watchdog";
  ranks.expect_works_again();
}

// One rank's second operation is another than its peers'.
void expect_mismatch(const std::function<void(Item&)>& change) {
  TurnWorld ranks(3);
  auto programs =
      ranks.parts({all_to_all(form(ranks, {0, 1, 2}, 1)), all_to_all(form(ranks, {0, 1, 2}, 2))});
  change(programs[1][1]);
  const auto ends = ranks.run(programs);
  for (const int rank : {0, 1, 2}) {
    EXPECT_EQ(ends[static_cast<std::size_t>(rank)][0], Status::kOk);
    EXPECT_NE(ends[static_cast<std::size_t>(rank)][1], Status::kOk) << rank;
  }
  EXPECT_EQ(of(ranks, 0).status, Status::kMismatch);
  EXPECT_EQ(of(ranks, 0).peer, 1);
  EXPECT_EQ(of(ranks, 0).sequence, 2u);
  EXPECT_TRUE(same_operation(of(ranks, 0).own, of(ranks, 2).own));
  EXPECT_FALSE(same_operation(of(ranks, 0).own, of(ranks, 0).theirs));
  EXPECT_EQ(ranks.turns.now_ns(), 0) << "noticed at once, not by the watchdog";
  ranks.expect_works_again();
}

TEST(Faults, AnotherOperation) {
  expect_mismatch([](Item& item) { item.op = Op::kHeadsToSeq; });
  expect_mismatch([](Item& item) { item = {Op::kBarrier, item.group, {}, 0}; });
}

TEST(Faults, AnotherSize) {
  expect_mismatch([](Item& item) { item.shape.tokens += 1; });
  expect_mismatch([](Item& item) { item.shape.heads = 8; });
  expect_mismatch([](Item& item) { item.shape.head_bytes = 2; });
  expect_mismatch([](Item& item) { item.shape.tensors = 3; });
}

TEST(Faults, AnotherGroup) {
  expect_mismatch([](Item& item) { item.group.step = 3; });
  expect_mismatch([](Item& item) { std::swap(item.group.ranks[0], item.group.ranks[2]); });
  expect_mismatch([](Item& item) { item.group.size = 2; });  // without rank 2, which knows nothing
}

// The one that flips a bit in what rank 0 has announced to rank 1 is rank 2, before it joins in.
TEST(Faults, CorruptedPayloadIsFoundByItsReader) {
  TurnWorld ranks(3, true);
  const Item item = all_to_all(form(ranks, {0, 1, 2}));
  ranks.turns.run([&](int self) {
    TurnCollectives collectives = ranks.rank(self);
    if (self == 2) {
      ranks.turns.sleep_until(2, kMillisecond);  // the others wait for this rank by then
      const Block block = block_of(item.op, item.shape, 3, 1, 0);
      ranks.world.heap().staging(0, 0)[block.from.offset + block.from.row] ^= std::byte{16};
    }
    (void)carry_out(collectives, item, TurnWorld::kPatience);
  });
  const Failure& failure = of(ranks, 1);
  EXPECT_EQ(failure.status, Status::kCorrupted);
  EXPECT_EQ(failure.peer, 0);
  EXPECT_EQ(failure.sequence, 1u);
  EXPECT_NE(failure.asked, failure.allowed);
  EXPECT_TRUE(describe(failure).starts_with(
      "rank 1, peer 0, sequence 1: corruption: rank 0 announced checksum "));
  ranks.expect_works_again();
}

// Rank 1 has entered the first operation but does not come back to take its bytes. Rank 0 goes on
// with rank 2 until it needs the first slot again.
TEST(Faults, AReaderThatDoesNotTakeItsBytesIsNamed) {
  TurnWorld ranks(4);
  Program program{all_to_all(form(ranks, {0, 1, 3}, 1))};
  for (std::uint64_t step = 2; step <= 1 + kStagingSlots; ++step)
    program.push_back(all_to_all(form(ranks, {2, 0}, step)));
  const auto programs = ranks.parts(program);
  std::vector<Status> of_rank_0;
  ranks.turns.run([&](int self) {
    TurnCollectives collectives = ranks.rank(self, self == 1 ? 3 * TurnWorld::kPatience : 0);
    if (self == 3) ranks.turns.sleep_until(3, kMillisecond);  // until rank 1 waits, and is frozen
    for (const Item& item : programs[static_cast<std::size_t>(self)]) {
      const Status status = carry_out(collectives, item, 2 * TurnWorld::kPatience);
      if (self == 0) of_rank_0.push_back(status);
    }
  });
  EXPECT_EQ(of_rank_0, (std::vector<Status>{Status::kOk, Status::kOk, Status::kOk, Status::kOk,
                                            Status::kTimeout}));
  EXPECT_EQ(of(ranks, 0).awaited, Awaited::kAcknowledgement);
  EXPECT_EQ(of(ranks, 0).peer, 1);
  EXPECT_EQ(of(ranks, 0).sequence, 1u);
  ranks.expect_works_again();
}

TEST(Faults, WhatCannotBeIsRefusedBeforeAnythingIsSent) {
  TurnWorld ranks(3);
  const RankGroup pair = form(ranks, {0, 1}, 9);
  const auto refusal_at = [&](int rank, const RankGroup& group, const TensorShape& shape,
                              std::size_t input, std::size_t output) {
    ranks.world.rearm();
    TurnCollectives collectives = ranks.rank(rank);
    const Bytes from(input);
    Bytes to(output);
    EXPECT_EQ(collectives.all_gather(group, shape, from, to, 0), Status::kRefused);
    EXPECT_EQ(ranks.world.channel(rank, Channel::kCollectives).ledger.published[1 - rank % 2], 0u);
    return describe(collectives.failure());
  };
  const std::string start =
      "refused [all-gather of 2 x 7 tokens x 4 heads x 3 bytes, step 9, ranks "
      "(0 1)]: ";
  EXPECT_EQ(refusal_at(2, pair, kShape, 1, 1), "rank 2: " + start + "this rank is not a member");
  EXPECT_EQ(refusal_at(0, pair, kShape, 95, 168),
            "rank 0: " + start + "the input has 95 bytes, this member's part 96");
  EXPECT_EQ(refusal_at(1, pair, kShape, 72, 169),
            "rank 1: " + start + "the output has 169 bytes, this member's part 168");
  // The second member's part would fit; but then only one of the two would refuse.
  const std::uint64_t slot = ranks.world.heap().layout.slot_bytes;
  EXPECT_EQ(refusal_at(1, pair, {2 * slot + 1, 1, 1, 1}, slot, 2 * slot + 1),
            "rank 1: refused [all-gather of 1 x " + std::to_string(2 * slot + 1) +
                " tokens x 1 heads x 1 bytes, step 9, ranks (0 1)]: the largest part has " +
                std::to_string(slot + 1) + " bytes, a staging slot " + std::to_string(slot));
  ranks.expect_works_again();
}

TEST(Faults, PeersOfARefusingRankDoNotWait) {
  TurnWorld ranks(2);
  const RankGroup pair = form(ranks, {0, 1});
  ranks.turns.run([&](int self) {
    TurnCollectives collectives = ranks.rank(self);
    Bytes wrong(1);
    const Status status = self == 0 ? collectives.barrier(pair, TurnWorld::kPatience)
                                    : collectives.all_gather(pair, kShape, wrong, wrong, 0);
    EXPECT_EQ(status, self == 0 ? Status::kAborted : Status::kRefused);
  });
  EXPECT_EQ(of(ranks, 0).peer_status, Status::kRefused);
  EXPECT_EQ(ranks.turns.now_ns(), 0);
  ranks.expect_works_again();
}

}  // namespace
}  // namespace regroup::collectives
