// A put does not wait for its receivers, so that most of this needs one thread only.
#include "runtime/collectives/puts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>

#include "runtime/collectives/describe.hpp"
#include "tests/collectives/oracle.hpp"

namespace regroup::collectives {
namespace {

using testing::Bytes;
using testing::Oracle;

// A nanosecond passes with every look.
struct Ticking {
  std::int64_t* now_ns;
  std::int64_t operator()() const { return ++*now_ns; }
};

class PutsTest : public ::testing::Test {
 protected:
  Puts<Spin, Ticking> source(int rank) { return {world_, rank, Spin{}, Ticking{&now_ns_}}; }
  Receipts<Spin, Ticking> receiver(int rank) { return {world_, rank, Spin{}, Ticking{&now_ns_}}; }
  RankGroup form(std::initializer_list<int> ranks, std::uint64_t step = 1) const {
    return world_.form({ranks.begin(), ranks.size()}, step);
  }
  static Bytes bytes(std::uint64_t size, std::uint64_t salt = 0) {
    return Oracle({size, 1, 1, 1}, 1, salt).input(Op::kPut, 0);
  }
  bool window_holds(int rank, std::uint64_t offset, const Bytes& data) const {
    return std::equal(data.begin(), data.end(), world_.window(rank).begin() + long(offset));
  }

  static constexpr std::int64_t kDeadline = 1000;
  World world_{{.ranks = 4, .window_bytes = 4096, .checksums = true}};
  std::int64_t now_ns_ = 0;
};

TEST_F(PutsTest, ArrivesAtEveryReceiverAndNowhereElse) {
  const Bytes data = bytes(1000);
  const RankGroup group = form({1, 3, 0});
  EXPECT_EQ(source(1).put(group, 17, data, kDeadline), Status::kOk);
  for (const int to : {0, 3}) {
    EXPECT_EQ(receiver(to).await_put(group, 17, 1000, kDeadline), Status::kOk);
    EXPECT_TRUE(window_holds(to, 17, data));
    EXPECT_EQ(world_.window(to)[16], std::byte{0});
    EXPECT_EQ(world_.window(to)[1017], std::byte{0});
  }
  for (const int other : {1, 2})
    EXPECT_TRUE(std::all_of(world_.window(other).begin(), world_.window(other).end(),
                            [](std::byte b) { return b == std::byte{0}; }));
}

TEST_F(PutsTest, TwoMayBeUnderWayToOneReceiver) {
  auto source = this->source(0);
  for (std::uint64_t step = 1; step <= 2; ++step)
    EXPECT_EQ(source.put(form({0, 1}, step), step * 100, bytes(100, step), kDeadline), Status::kOk);
  EXPECT_EQ(receiver(1).await_put(form({0, 1}, 1), 100, 100, kDeadline), Status::kOk);
  EXPECT_EQ(source.put(form({0, 1}, 3), 300, bytes(100, 3), kDeadline), Status::kOk);
  for (std::uint64_t step = 2; step <= 3; ++step)
    EXPECT_EQ(receiver(1).await_put(form({0, 1}, step), step * 100, 100, kDeadline), Status::kOk);
  for (std::uint64_t step = 1; step <= 3; ++step)
    EXPECT_TRUE(window_holds(1, step * 100, bytes(100, step)));
}

TEST_F(PutsTest, AReceiverThatTakesNothingIsNamed) {
  auto source = this->source(0);
  for (std::uint64_t step = 1; step <= 2; ++step)
    EXPECT_EQ(source.put(form({0, 2}, step), 0, bytes(8), kDeadline), Status::kOk);
  EXPECT_EQ(source.put(form({0, 2}, 3), 0, bytes(8), kDeadline), Status::kTimeout);
  EXPECT_EQ(
      describe(source.failure()),
      "rank 0, peer 2, sequence 1: time-out: rank 2 did not have taken what was announced as "
      "number 1 before the deadline; rank 0 is at [put of 8 bytes at 0, step 3, ranks (0 2)]");
}

TEST_F(PutsTest, ASourceThatDoesNotPutIsNamed) {
  auto receiver = this->receiver(1);
  EXPECT_EQ(receiver.await_put(form({3, 1}), 0, 8, kDeadline), Status::kTimeout);
  EXPECT_EQ(receiver.failure().peer, 3);
  // It gave up; the source finds out even though it waits for nobody, when its cells are used up.
  EXPECT_EQ(receiver.await_put(form({3, 1}), 0, 8, kDeadline), Status::kTimeout);
  auto source = this->source(3);
  for (std::uint64_t step = 1; step <= 2; ++step)
    EXPECT_EQ(source.put(form({3, 1}, step), 0, bytes(8), now_ns_ + 100), Status::kOk);
  EXPECT_EQ(source.put(form({3, 1}, 3), 0, bytes(8), now_ns_ + 100), Status::kAborted);
  EXPECT_EQ(source.failure().accused, 3);
}

TEST_F(PutsTest, DisagreementIsAMismatch) {
  const auto mismatch = [this](const RankGroup& group, std::uint64_t offset, std::uint64_t size) {
    world_.rearm();
    EXPECT_EQ(source(0).put(form({0, 1}), 64, bytes(100), kDeadline), Status::kOk);
    auto receiver = this->receiver(1);
    EXPECT_EQ(receiver.await_put(group, offset, size, kDeadline), Status::kMismatch);
    EXPECT_EQ(receiver.failure().peer, 0);
    return describe(receiver.failure());
  };
  EXPECT_EQ(mismatch(form({0, 1}), 64, 99),
            "rank 1, peer 0, sequence 1: mismatch: rank 1 is at [put of 99 bytes at 64, step 1, "
            "ranks (0 1)], rank 0 at [put of 100 bytes at 64, step 1, ranks (0 1)]");
  mismatch(form({0, 1}), 65, 100);
  mismatch(form({0, 1}, 2), 64, 100);
  mismatch(form({0, 1, 2}), 64, 100);
}

TEST_F(PutsTest, CorruptedPayloadIsFound) {
  EXPECT_EQ(source(2).put(form({2, 0}), 0, bytes(100), kDeadline), Status::kOk);
  world_.window(0)[99] ^= std::byte{1};
  auto receiver = this->receiver(0);
  EXPECT_EQ(receiver.await_put(form({2, 0}), 0, 100, kDeadline), Status::kCorrupted);
  EXPECT_EQ(receiver.failure().peer, 2);
  EXPECT_EQ(receiver.failure().sequence, 1u);
  world_.rearm();
  EXPECT_EQ(source(2).put(form({2, 0}), 0, bytes(100), kDeadline), Status::kOk);
  EXPECT_EQ(receiver.await_put(form({2, 0}), 0, 100, kDeadline), Status::kOk);
}

TEST_F(PutsTest, WhatCannotBeIsRefused) {
  const auto refused = [this](Refusal refusal) {
    ASSERT_EQ(world_.failures().size(), 1u);
    EXPECT_EQ(world_.failures()[0].refusal, refusal) << describe(world_.failures()[0]);
    world_.rearm();
  };
  EXPECT_EQ(source(0).put(form({1, 2}), 0, bytes(1), kDeadline), Status::kRefused);
  refused(Refusal::kNotMember);
  EXPECT_EQ(source(2).put(form({1, 2}), 0, bytes(1), kDeadline), Status::kRefused);
  refused(Refusal::kNotSource);
  EXPECT_EQ(receiver(1).await_put(form({1, 2}), 0, 1, kDeadline), Status::kRefused);
  refused(Refusal::kNotSource);
  EXPECT_EQ(source(1).put(form({1, 2}), 4096, bytes(1), kDeadline), Status::kRefused);
  refused(Refusal::kWindowBytes);
  EXPECT_EQ(source(1).put(form({1, 2}), UINT64_MAX, bytes(2), kDeadline), Status::kRefused);
  refused(Refusal::kWindowBytes);
  EXPECT_EQ(source(1).put(form({1, 2}), 4096, {}, kDeadline), Status::kOk);
}

TEST_F(PutsTest, FailureDoesNotDisturbTheCollectives) {
  EXPECT_EQ(receiver(0).await_put(form({1, 0}), 0, 8, kDeadline), Status::kTimeout);
  EXPECT_EQ(world_.channel(0, Channel::kReceipts).failure.status, Status::kTimeout);
  EXPECT_EQ(world_.channel(0, Channel::kCollectives).failure.status, Status::kOk);
  EXPECT_EQ(world_.heap().pad(1).edges[edge_set(Channel::kCollectives)][0].alarm, 0u);
}

// A rank that waits for a state may be asked for another one meanwhile.
TEST_F(PutsTest, ARankSendsWhileItReceives) {
  const RankChannel::Occupied receiving(world_.channel(0, Channel::kReceipts));
  EXPECT_EQ(source(0).put(form({0, 1}), 0, bytes(8), kDeadline), Status::kOk);
  EXPECT_EQ(receiver(1).await_put(form({0, 1}), 0, 8, kDeadline), Status::kOk);
}

}  // namespace
}  // namespace regroup::collectives
