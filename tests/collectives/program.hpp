// Random work for a world: operations in one order of all, of which every rank carries out those
// that it is a member of.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/random.hpp"
#include "runtime/collectives/world.hpp"
#include "tests/collectives/oracle.hpp"

namespace regroup::collectives::testing {

struct Item {
  Op op = Op::kBarrier;
  RankGroup group;  // its step tells the contents of one item from those of another
  TensorShape shape;
  std::uint64_t offset = 0;  // kPut

  bool concerns(int rank) const { return group.position(rank) >= 0; }
};
using Program = std::vector<Item>;

inline constexpr TensorShape kLargestShape{21, 8, 9, 3};

// An ordered subset of the ranks, of at least `fewest`. AnyWorld: this World, or that of GPUs.
template <class AnyWorld>
RankGroup random_group(RandomStream& random, const AnyWorld& world, std::uint64_t fewest,
                       std::uint64_t step) {
  std::vector<int> ranks(static_cast<std::size_t>(world.ranks()));
  std::iota(ranks.begin(), ranks.end(), 0);
  const std::uint64_t size = fewest + random.below(ranks.size() - fewest + 1);
  for (std::size_t i = 0; i < size; ++i)
    std::swap(ranks[i], ranks[i + random.below(ranks.size() - i)]);
  ranks.resize(size);
  return world.form(ranks, step);
}

// Mostly not divisible by anything; never empty, so that two different shapes are different bytes.
inline TensorShape random_shape(RandomStream& random) {
  const auto up_to = [&random](std::uint64_t most) {
    return static_cast<std::uint32_t>(1 + random.below(most));
  };
  TensorShape shape{up_to(kLargestShape.tokens), up_to(kLargestShape.heads),
                    up_to(kLargestShape.head_bytes), up_to(kLargestShape.tensors)};
  if (random.below(2) == 0)
    shape.leading = static_cast<std::uint32_t>(random.below(shape.tokens + 1));
  return shape;
}

template <class AnyWorld>
Program random_collectives(RandomStream& random, const AnyWorld& world, int items,
                           std::uint64_t first_step = 1) {
  constexpr Op kOps[] = {Op::kBarrier, Op::kAllGather, Op::kSeqToHeads, Op::kHeadsToSeq};
  Program program;
  for (int i = 0; i < items; ++i) {
    Item item;
    item.op = kOps[random.below(4)];
    item.group = random_group(random, world, 1, first_step + static_cast<std::uint64_t>(i));
    if (item.op != Op::kBarrier) item.shape = random_shape(random);
    program.push_back(item);
  }
  return program;
}

// No two into the same part of a window.
template <class AnyWorld>
Program random_puts(RandomStream& random, const AnyWorld& world, int items,
                    std::uint64_t first_step = 1) {
  Program program;
  std::uint64_t offset = 0;
  for (int i = 0; i < items; ++i) {
    Item item{Op::kPut,
              random_group(random, world, 2, first_step + static_cast<std::uint64_t>(i)),
              {1 + random.below(300), 1, 1, 1},
              offset};
    offset += item.shape.tokens;
    program.push_back(item);
  }
  return program;
}

// Does this rank's part of the item. What returns kOk must have given the right bytes.
template <class Collectives>
Status carry_out(Collectives& collectives, const Item& item, std::int64_t deadline_ns) {
  if (item.op == Op::kBarrier) return collectives.barrier(item.group, deadline_ns);
  const int me = item.group.position(collectives.rank());
  const Oracle oracle(item.shape, item.group.size, item.group.step);
  const Bytes expected = oracle.output(item.op, me);
  const Bytes input = oracle.input(item.op, me);
  Bytes output(expected.size());
  Status status = Status::kOk;
  if (item.op == Op::kAllGather)
    status = collectives.all_gather(item.group, item.shape, input, output, deadline_ns);
  else if (item.op == Op::kSeqToHeads)
    status = collectives.seq_to_heads(item.group, item.shape, input, output, deadline_ns);
  else
    status = collectives.heads_to_seq(item.group, item.shape, input, output, deadline_ns);
  if (status == Status::kOk) {
    EXPECT_TRUE(output == expected)
        << "rank " << collectives.rank() << ", step " << item.group.step;
  }
  return status;
}

template <class Puts, class Receipts>
Status carry_out_put(Puts& puts, Receipts& receipts, const World& world, const Item& item,
                     std::int64_t deadline_ns) {
  const Bytes data = Oracle(item.shape, 1, item.group.step).input(Op::kPut, 0);
  if (item.group.ranks[0] == puts.rank())
    return puts.put(item.group, item.offset, data, deadline_ns);
  const Status status = receipts.await_put(item.group, item.offset, data.size(), deadline_ns);
  if (status == Status::kOk) {
    const auto found = world.window(puts.rank()).subspan(item.offset, data.size());
    EXPECT_TRUE(std::equal(data.begin(), data.end(), found.begin()))
        << "rank " << puts.rank() << ", step " << item.group.step;
  }
  return status;
}

}  // namespace regroup::collectives::testing
