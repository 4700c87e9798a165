// Blocks, barriers, warps, shared memory.
#include <gtest/gtest.h>

#include <numeric>

#include "runtime/cuda/portable/device_code.hpp"
#include "runtime/cuda/portable/launch.hpp"
#include "tests/cuda/emulator/device_array.hpp"

namespace regroup::cuda {
namespace {

RG_KERNEL __launch_bounds__(128) void add(const float* a, const float* b, float* sum, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) sum[i] = a[i] + b[i];
}

TEST(Block, ThreadsHaveTheirIndices) {
  std::vector<float> a(1000), b(1000), expected(1000);
  for (int i = 0; i < 1000; ++i) {
    a[i] = static_cast<float>(i);
    b[i] = static_cast<float>(1000 * i);
    expected[i] = static_cast<float>(1001 * i);
  }
  const DeviceArray<float> from_a(a), from_b(b), to(1000);
  launch(add, {dim3(8), dim3(128)}, nullptr, from_a.get(), from_b.get(), to.get(), 1000);
  EXPECT_EQ(to.values(), expected);
}

RG_KERNEL void count_in_three_dimensions(int* counts) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  atomicAdd(&counts[block * blockDim.x * blockDim.y * blockDim.z + thread], 1);
}

TEST(Block, EveryThreadOfThreeDimensionsRunsOnce) {
  const DeviceArray<int> counts(std::vector<int>(24 * 30));
  launch(count_in_three_dimensions, {dim3(2, 3, 4), dim3(5, 3, 2)}, nullptr, counts.get());
  EXPECT_EQ(counts.values(), std::vector<int>(24 * 30, 1));
}

// A warp's sum by shuffles, the block's in shared memory.
RG_KERNEL __launch_bounds__(256) void sum_of_block(const int* values, int* sums) {
  __shared__ int of_warps[8];
  const int thread = static_cast<int>(threadIdx.x);
  int sum = values[blockIdx.x * blockDim.x + threadIdx.x];
  for (int mask = kWarp / 2; mask > 0; mask /= 2) sum += shfl_xor(sum, mask);
  if (lane_id() == 0) of_warps[thread / kWarp] = sum;
  block_sync();
  if (thread != 0) return;
  int total = 0;
  for (const int of_warp : of_warps) total += of_warp;
  sums[blockIdx.x] = total;
}

TEST(Block, SumsByShufflesAndSharedMemory) {
  std::vector<int> values(3 * 256);
  std::iota(values.begin(), values.end(), 0);
  const DeviceArray<int> from(values), sums(3);
  launch(sum_of_block, {dim3(3), dim3(256)}, nullptr, from.get(), sums.get());
  EXPECT_EQ(sums.values(), (std::vector<int>{32640, 98176, 163712}));
}

// Each thread reads what the thread opposite wrote, in turn into dynamic shared memory.
RG_KERNEL void reverse(const double* from, double* to, int rounds) {
  RG_DYNAMIC_SHARED(double, turn);
  const unsigned thread = threadIdx.x;
  double mine = from[blockIdx.x * blockDim.x + thread];
  for (int round = 0; round < rounds; ++round) {
    turn[thread] = mine;
    block_sync();
    mine = turn[blockDim.x - 1 - thread];
    block_sync();
  }
  to[blockIdx.x * blockDim.x + thread] = mine;
}

TEST(Block, BarriersOrderDynamicSharedMemory) {
  constexpr int kThreads = 1000;
  std::vector<double> values(2 * kThreads), expected(2 * kThreads);
  std::iota(values.begin(), values.end(), 0.5);
  for (int block = 0; block < 2; ++block)
    for (int i = 0; i < kThreads; ++i)
      expected[block * kThreads + i] = values[block * kThreads + kThreads - 1 - i];
  const DeviceArray<double> from(values), to(2 * kThreads);
  launch(reverse, {dim3(2), dim3(kThreads), kThreads * sizeof(double)}, nullptr, from.get(),
         to.get(), 5);
  EXPECT_EQ(to.values(), expected);
}

RG_KERNEL void without_barrier(int neighbour, int* seen) {
  RG_DYNAMIC_SHARED(int, turn);
  const int thread = static_cast<int>(threadIdx.x);
  const int n = static_cast<int>(blockDim.x);
  turn[thread] = thread;
  seen[static_cast<int>(blockIdx.x) * n + thread] = turn[(thread + neighbour + n) % n];
}

TEST(Block, MissingBarrierShowsWhoeverIsAhead) {
  for (const int neighbour : {1, -1}) {
    const DeviceArray<int> seen(2 * 32);
    launch(without_barrier, {dim3(2), dim3(32), 32 * sizeof(int)}, nullptr, neighbour, seen.get());
    int wrong = 0;
    for (const int value : seen.values()) wrong += value < 0;
    EXPECT_GE(wrong, 31) << "towards " << neighbour;
  }
}

// The same between warps, which hold their own threads together.
RG_KERNEL void without_barrier_of_warps(int towards, int* wrong) {
  RG_DYNAMIC_SHARED(int, turn);
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  for (int round = 0; round < 4; ++round) {
    if (lane_id() == 0) turn[warp] = round;
    warp_sync();
    if (lane_id() == 0) atomicAdd(wrong, turn[(warp + towards + 4) % 4] != round);
    warp_sync();
  }
}

TEST(Block, MissingBarrierShowsWhicheverWarpIsAhead) {
  for (const int towards : {1, -1}) {
    const DeviceArray<int> wrong(std::vector<int>{0});
    launch(without_barrier_of_warps, {dim3(1), dim3(4 * kWarp), 4 * sizeof(int)}, nullptr, towards,
           wrong.get());
    EXPECT_GE(wrong.values().front(), 4) << "towards " << towards;
  }
}

struct Answers {
  int lane;
  std::uint32_t odd;
  std::int64_t from_next;
  float from_opposite;
};

RG_KERNEL void ask_warp(Answers* answers) {
  const int lane = lane_id();
  Answers mine;
  mine.lane = lane;
  mine.odd = ballot(lane % 2 == 1);
  mine.from_next = shfl(std::int64_t{lane} << 40, lane + 1);
  mine.from_opposite = shfl_xor(static_cast<float>(lane) + 0.25f, 31);
  warp_sync();
  answers[threadIdx.y * blockDim.x + threadIdx.x] = mine;
}

TEST(Block, WarpsFollowXThenY) {
  const DeviceArray<Answers> answers(64);
  launch(ask_warp, {dim3(1), dim3(16, 4)}, nullptr, answers.get());
  const std::vector<Answers> seen = answers.values();
  for (int i = 0; i < 64; ++i) {
    const int lane = i % 32;
    EXPECT_EQ(seen[i].lane, lane);
    EXPECT_EQ(seen[i].odd, 0xaaaaaaaau);
    EXPECT_EQ(seen[i].from_next, std::int64_t{(lane + 1) % 32} << 40);
    EXPECT_EQ(seen[i].from_opposite, static_cast<float>(31 - lane) + 0.25f);
  }
}

// ---- What must end the program instead of hanging ----------------------------------------------

RG_KERNEL void half_at_barrier() {
  if (threadIdx.x < blockDim.x / 2) block_sync();
}
RG_KERNEL void half_in_shuffle(int* to) {
  if (threadIdx.x < 16) to[threadIdx.x] = shfl_xor(1, 1);
}
RG_KERNEL void two_operations(int* to) {
  to[threadIdx.x] = threadIdx.x < 16 ? shfl_xor(1, 1) : static_cast<int>(ballot(true));
}
RG_KERNEL void misaligned_copy(const std::byte* from) {
  RG_DYNAMIC_SHARED(std::byte, to);
  async_copy16(to + 8, from);
}

template <class... Parameters, class... Arguments>
void run(void (*kernel)(Parameters...), LaunchShape shape, Arguments... arguments) {
  launch(kernel, shape, nullptr, arguments...);
  check(cudaDeviceSynchronize(), "waiting");
}

class BlockDeathTest : public ::testing::Test {
 protected:
  BlockDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(BlockDeathTest, BarrierThatSomeNeverReach) {
  EXPECT_DEATH(run(half_at_barrier, {dim3(2), dim3(64)}),
               "block \\(0, 0, 0\\) of 64 x 1 x 1 threads: 32 threads have ended, "
               "32 wait for ever in block_sync\\(\\)");
}
TEST_F(BlockDeathTest, ShuffleThatSomeNeverReach) {
  int to[32];
  EXPECT_DEATH(run(half_in_shuffle, {dim3(1), dim3(32)}, to),
               "16 threads have ended, 16 wait for ever in shfl\\(\\)");
}
TEST_F(BlockDeathTest, LanesAtDifferentOperations) {
  int to[32];
  EXPECT_DEATH(run(two_operations, {dim3(1), dim3(32)}, to),
               "lanes of one warp are at different warp functions");
}
TEST_F(BlockDeathTest, WarpOfFewerThan32) {
  int to[48];
  EXPECT_DEATH(run(two_operations, {dim3(1), dim3(8)}, to), "a warp of fewer than 32 threads");
}
TEST_F(BlockDeathTest, MisalignedCopy) {
  alignas(16) std::byte from[32];
  EXPECT_DEATH(run(misaligned_copy, {dim3(1), dim3(1), 32}, from), "not a multiple of 16");
}

}  // namespace
}  // namespace regroup::cuda
