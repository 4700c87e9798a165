// Puts and their receipts, beside each other and beside collectives.
#include <array>

#include "runtime/collectives/describe.hpp"
#include "runtime/cuda/gpu/rank_threads.hpp"
#include "runtime/cuda/portable/check.hpp"
#include "tests/cuda/collectives/node.hpp"

namespace regroup::cuda {
namespace {

using collectives::Channel;
using collectives::Failure;
using collectives::RankGroup;
using collectives::Status;
using testing::Bytes;
using testing::kNever;
using testing::kShort;
using testing::Node;

class DeviceMigration : public ::testing::TestWithParam<SyncMode> {
 protected:
  static RankGroup pair(Node& node, std::uint64_t step) {
    const std::array ranks = {0, 1};
    return node.world().form(ranks, step);
  }
};

// Two may be unread; the third waits until the first has been received.
TEST_P(DeviceMigration, TheThirdWaitsForTheFirstReceipt) {
  Node node(2, GetParam(), kNever);
  const Bytes data(100, std::byte{7});
  const auto put = [&](std::uint64_t step) {
    node.puts(0).put(node.migration(0), pair(node, step), 100 * step, data.data(), data.size());
  };
  put(0);
  put(1);
  check(cudaStreamSynchronize(node.migration(0)), "putting");  // although nobody has asked for them
  on_every_rank(node.machine(), [&](int rank) {
    if (rank == 0) return put(2);
    for (std::uint64_t step = 0; step < 3; ++step)
      node.receipts(1).await_put(node.migration(1), pair(node, step), 100 * step, data.size());
  });
  check(cudaStreamSynchronize(node.migration(0)), "putting");
  check(cudaStreamSynchronize(node.migration(1)), "receiving");
  EXPECT_TRUE(node.world().failures().empty());
  EXPECT_TRUE(std::equal(node.receipts(1).window(), node.receipts(1).window() + 300,
                         Bytes(300, std::byte{7}).begin()));
  EXPECT_NE(node.receipts(1).window()[300], std::byte{7});
}

TEST_P(DeviceMigration, AThirdThatNobodyMakesRoomForTimesOut) {
  Node node(2, GetParam(), kShort);
  const Bytes data(8);
  for (std::uint64_t step = 0; step < 3; ++step)
    node.puts(0).put(node.migration(0), pair(node, step), 0, data.data(), data.size());
  check(cudaStreamSynchronize(node.migration(0)), "putting");
  const Failure* const failure = node.world().failure(0, Channel::kPuts);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->status, Status::kTimeout) << describe(*failure);
  EXPECT_EQ(failure->awaited, collectives::Awaited::kAcknowledgement);
  EXPECT_EQ(failure->sequence, 1u);
  node.expect_works_again();
}

TEST_P(DeviceMigration, AnotherSizeOrPlaceIsAMismatch) {
  Node node(2, GetParam(), kNever);
  const Bytes data(8);
  for (const std::uint64_t wrong_bytes : {9u, 8u}) {
    const std::uint64_t wrong_offset = wrong_bytes == 8 ? 16 : 0;
    on_every_rank(node.machine(), [&](int rank) {
      if (rank == 0) node.puts(0).put(node.migration(0), pair(node, 1), 0, data.data(), 8);
      if (rank == 1)
        node.receipts(1).await_put(node.migration(1), pair(node, 1), wrong_offset, wrong_bytes);
      check(cudaStreamSynchronize(node.migration(rank)), "migrating");
    });
    const Failure* const failure = node.world().failure(1, Channel::kReceipts);
    ASSERT_NE(failure, nullptr);
    EXPECT_EQ(failure->status, Status::kMismatch) << describe(*failure);
    node.expect_works_again();
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, DeviceMigration,
                         ::testing::Values(SyncMode::kSpin, SyncMode::kMemop, SyncMode::kEvent),
                         [](const auto& instance) { return sync_mode_name(instance.param); });

}  // namespace
}  // namespace regroup::cuda
