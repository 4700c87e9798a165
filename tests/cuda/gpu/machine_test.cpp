#include "runtime/cuda/gpu/machine.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "runtime/cuda/gpu/rank_threads.hpp"
#include "runtime/cuda/portable/check.hpp"
#include "tests/cuda/support/emulated_machine.hpp"

namespace regroup::cuda {
namespace {

using collectives::HeapLayout;
using collectives::kHeapAlignment;

TEST(HeapLayout, StrideGrowsToTheGranularityByItsWindow) {
  const HeapLayout asked{4, 5 * kHeapAlignment, 3 * kHeapAlignment};
  for (const std::uint64_t granularity :
       {kHeapAlignment, std::uint64_t{1} << 16, std::uint64_t{2} << 20}) {
    const HeapLayout given = with_aligned_stride(asked, granularity);
    EXPECT_EQ(given.stride() % granularity, 0u);
    EXPECT_LT(given.stride() - asked.stride(), granularity);
    EXPECT_EQ(given.slot_bytes, asked.slot_bytes);
    EXPECT_EQ(given.window_bytes - asked.window_bytes, given.stride() - asked.stride());
  }
  EXPECT_EQ(with_aligned_stride(asked, kHeapAlignment).window_bytes, asked.window_bytes);
}

TEST(EmulatedMachine, HasRanksWithStreamsAndAZeroedHeap) {
  const HeapLayout layout{3, kHeapAlignment, 2 * kHeapAlignment};
  const auto machine = emulated_machine(layout);
  ASSERT_EQ(machine->ranks(), 3);
  std::set<cudaStream_t> streams;
  for (int rank = 0; rank < 3; ++rank) {
    EXPECT_TRUE(machine->rank(rank).slice);
    streams.insert({machine->rank(rank).compute, machine->rank(rank).migration});
    const std::byte* const region = machine->heap().region(rank);
    for (std::uint64_t i = 0; i < layout.stride(); ++i) ASSERT_EQ(region[i], std::byte{0});
  }
  EXPECT_EQ(streams.size(), 6u);
  ASSERT_EQ(machine->gpus().size(), 1u);
  EXPECT_EQ(machine->gpus()[0].ordinal, 0);
  EXPECT_LE(machine->free_bytes(0), machine->gpus()[0].memory_bytes);
}

TEST(RankThreads, AllWorkAtTheSameTime) {
  const auto machine = emulated_machine({4, 0, 0});
  std::atomic<int> arrived = 0;
  on_every_rank(*machine, [&](int rank) {
    EXPECT_GE(rank, 0);
    ++arrived;
    while (arrived < 4) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 4);
}

TEST(RankThreads, TheErrorOfTheLowestRankIsThrown) {
  const auto machine = emulated_machine({4, 0, 0});
  std::atomic<int> done = 0;
  try {
    on_every_rank(*machine, [&](int rank) {
      if (rank % 2 == 1) throw std::runtime_error(std::to_string(rank));
      ++done;
    });
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "1");
  }
  EXPECT_EQ(done, 2);
}

}  // namespace
}  // namespace regroup::cuda
