#include "models/migration.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace regroup::models {
namespace {

Path uniform(GpuId, GpuId) { return {1e9, 1e-6}; }

// Which rank holds each byte, counted out one by one.
std::vector<std::size_t> owners(std::int64_t bytes, std::size_t ranks) {
  std::vector<std::size_t> of_byte;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    std::size_t count = static_cast<std::size_t>(bytes) / ranks;
    if (rank < static_cast<std::size_t>(bytes) % ranks) ++count;
    of_byte.insert(of_byte.end(), count, rank);
  }
  return of_byte;
}

// Byte by byte.
Transfers brute_force(const TaskState& state, const Group& from, const Group& to) {
  Transfers result;
  const auto old_owner = owners(state.latent_bytes, from.size());
  const auto new_owner = owners(state.latent_bytes, to.size());
  std::map<GpuId, std::int64_t> sent, received;
  const auto move = [&](GpuId a, GpuId b, std::int64_t bytes) {
    if (a == b || bytes == 0) return;
    sent[a] += bytes;
    received[b] += bytes;
    result.bytes += bytes;
  };
  for (std::size_t i = 0; i < old_owner.size(); ++i) move(from[old_owner[i]], to[new_owner[i]], 1);
  for (const GpuId gpu : to)
    if (!from.contains(gpu)) move(from[0], gpu, state.embedding_bytes);
  for (const auto* side : {&sent, &received})
    for (const auto& [gpu, bytes] : *side)
      result.seconds = std::max(result.seconds, static_cast<double>(bytes) / 1e9 + 1e-6);
  return result;
}

// Every ordered group of up to three of four GPUs.
std::vector<Group> all_groups() {
  std::vector<Group> groups;
  for (std::uint32_t a = 0; a < 4; ++a) {
    groups.push_back({GpuId{a}});
    for (std::uint32_t b = 0; b < 4; ++b) {
      if (b == a) continue;
      groups.push_back({GpuId{a}, GpuId{b}});
      for (std::uint32_t c = 0; c < 4; ++c)
        if (c != a && c != b) groups.push_back({GpuId{a}, GpuId{b}, GpuId{c}});
    }
  }
  groups.push_back({GpuId{0}, GpuId{1}, GpuId{2}, GpuId{3}});
  return groups;
}

TEST(Migration, AsCountedByteByByte) {
  const std::vector<Group> groups = all_groups();
  for (const std::int64_t latent : {0, 1, 5, 24, 31})
    for (const std::int64_t embedding : {0, 7})
      for (const Group& from : groups)
        for (const Group& to : groups) {
          const TaskState state{latent, embedding};
          const Transfers expected = brute_force(state, from, to);
          const Transfers actual = transfers(state, from, to, uniform);
          ASSERT_EQ(actual.bytes, expected.bytes);
          ASSERT_NEAR(actual.seconds, expected.seconds, 1e-15);
        }
}

// The published example of GF-DiT's layout difference: 5 rows, (3, 2) to (2, 1, 1, 1).
TEST(Migration, WideningTwoToFour) {
  const Group from{GpuId{0}, GpuId{1}}, to{GpuId{0}, GpuId{1}, GpuId{2}, GpuId{3}};
  EXPECT_EQ(transfers({5, 0}, from, to, uniform).bytes, 3);  // 0->1, 1->2, 1->3
}

TEST(Migration, NothingMovesToTheSameGroupOrFromNone) {
  const Group group{GpuId{2}, GpuId{0}};
  EXPECT_EQ(transfers({1000, 1000}, group, group, uniform).bytes, 0);
  EXPECT_EQ(transfers({1000, 1000}, {}, group, uniform).bytes, 0);
  EXPECT_EQ(transfers({1000, 1000}, group, group, uniform).seconds, 0);
  // In another order the shards lie elsewhere.
  EXPECT_EQ(transfers({1000, 1000}, group, {GpuId{0}, GpuId{2}}, uniform).bytes, 1000);
}

}  // namespace
}  // namespace regroup::models
