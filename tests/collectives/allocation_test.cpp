// The hot path allocates nothing. This program counts what every thread allocates.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <span>

#include "runtime/collectives/puts.hpp"
#include "tests/collectives/faults.hpp"

namespace {
thread_local int allocations = 0;
}

// Not inlined: a compiler that sees only one of the two takes malloc and delete for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace regroup::collectives {
namespace {

using testing::Bytes;
using testing::TurnWorld;

TEST(Allocation, IsCounted) {
  const int before = allocations;
  const auto memory = std::make_unique<int>(1);
  EXPECT_EQ(allocations, before + 1);
}

TEST(Allocation, NoneToFormAGroupAndWorkInIt) {
  TurnWorld ranks(4, true);
  constexpr TensorShape kShape{9, 5, 4, 3};
  ranks.turns.run([&](int self) {
    testing::TurnCollectives collectives = ranks.rank(self);
    Bytes input(kShape.bytes());
    Bytes output(kShape.bytes());
    const int members[] = {2, 0, 3, 1};
    const int before = allocations;
    int failed = 0;
    for (std::uint64_t step = 1; step <= 10; ++step) {
      const RankGroup group = ranks.world.form(members, step);
      const int me = group.position(self);
      const auto part = [&](Bytes& bytes, std::uint64_t size) {
        return std::span(bytes).first(size);
      };
      const std::uint64_t tokens = seq_shard_bytes(kShape, 4, me);
      const std::uint64_t heads = head_shard_bytes(kShape, 4, me);
      const std::int64_t latest = TurnWorld::kPatience;
      failed += collectives.barrier(group, latest) != Status::kOk;
      failed +=
          collectives.all_gather(group, kShape, part(input, tokens), output, latest) != Status::kOk;
      failed += collectives.seq_to_heads(group, kShape, part(input, tokens), part(output, heads),
                                         latest) != Status::kOk;
      failed += collectives.heads_to_seq(group, kShape, part(input, heads), part(output, tokens),
                                         latest) != Status::kOk;
    }
    EXPECT_EQ(allocations, before);
    EXPECT_EQ(failed, 0);
  });
}

TEST(Allocation, NoneToPut) {
  World world({.ranks = 2, .window_bytes = 100});
  const auto clock = [] { return std::int64_t{0}; };
  Puts source(world, 0, Spin{}, clock);
  Receipts receiver(world, 1, Spin{}, clock);
  const Bytes data(100);
  const int members[] = {0, 1};
  const int before = allocations;
  const RankGroup group = world.form(members, 1);
  const Status put = source.put(group, 0, data, 1);
  const Status taken = receiver.await_put(group, 0, 100, 1);
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(put, Status::kOk);
  EXPECT_EQ(taken, Status::kOk);
}

}  // namespace
}  // namespace regroup::collectives
