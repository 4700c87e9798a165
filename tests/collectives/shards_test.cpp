#include "runtime/collectives/shards.hpp"

#include <gtest/gtest.h>

#include "tests/collectives/oracle.hpp"

namespace regroup::collectives {
namespace {

// 5 over 2 and over 4 members, as in GF-DiT's migration.
static_assert(Shards{5, 2}.size(0) == 3 && Shards{5, 2}.size(1) == 2);
static_assert(Shards{5, 4}.size(0) == 2 && Shards{5, 4}.size(3) == 1);
static_assert(Shards{5, 4}.begin(1) == 2 && Shards{5, 4}.begin(4) == 5);

TEST(Shards, AreThoseCountedOutOneByOne) {
  for (int parts = 1; parts <= 32; ++parts)
    for (std::uint64_t total = 0; total <= 70; ++total) {
      const std::vector<int> owner = testing::owners(total, parts);
      const Shards shards{total, parts};
      std::uint64_t next = 0;
      for (int part = 0; part < parts; ++part) {
        ASSERT_EQ(shards.begin(part), next) << part << " of " << parts << ", " << total;
        for (std::uint64_t i = 0; i < shards.size(part); ++i) ASSERT_EQ(owner.at(next++), part);
      }
      ASSERT_EQ(next, total);
      ASSERT_EQ(shards.begin(parts), total);
    }
}

}  // namespace
}  // namespace regroup::collectives
