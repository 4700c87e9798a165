// Streams run beside each other and in order; events tie them together.
#include <gtest/gtest.h>

#include <atomic>

#include "runtime/cuda/portable/device_code.hpp"
#include "runtime/cuda/portable/launch.hpp"
#include "tests/cuda/emulator/device_array.hpp"

namespace regroup::cuda {
namespace {

// Says `own` and waits for `peer`, again and again: neither of two such kernels ends alone.
RG_KERNEL __launch_bounds__(64) void meet(int* own, int* peer, int rounds) {
  for (int round = 1; round <= rounds; ++round) {
    block_sync();
    if (threadIdx.x == 0) {
      atomicExch(own, round);
      while (atomicAdd(peer, 0) < round) nap(100);
    }
    block_sync();
  }
}

TEST(Stream, SpinningKernelsOfTwoStreamsMeet) {
  const DeviceArray<int> flags(std::vector<int>(2));
  const TestStream left, right;
  launch(meet, {dim3(1), dim3(64)}, left, flags.get(), flags.get() + 1, 100);
  launch(meet, {dim3(1), dim3(64)}, right, flags.get() + 1, flags.get(), 100);
  EXPECT_EQ(cudaStreamSynchronize(left), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(right), cudaSuccess);
  EXPECT_EQ(flags.values(), (std::vector<int>{100, 100}));
}

RG_KERNEL void wait_for(int* flag) {
  while (atomicAdd(flag, 0) == 0) nap(100);
}
RG_KERNEL void set(int* to, int value) { atomicExch(to, value); }

TEST(Stream, IsAsynchronousAndInOrder) {
  const DeviceArray<int> flag(std::vector<int>{0}), result(std::vector<int>{0});
  const TestStream waiting, other;
  launch(wait_for, {}, waiting, flag.get());
  launch(set, {}, waiting, result.get(), 5);
  EXPECT_EQ(cudaStreamQuery(waiting), cudaErrorNotReady);
  int seen = -1;
  cudaMemcpyAsync(&seen, result.get(), sizeof(seen), cudaMemcpyDefault, other);
  EXPECT_EQ(cudaStreamSynchronize(other), cudaSuccess);
  EXPECT_EQ(seen, 0);
  launch(set, {}, other, flag.get(), 1);
  EXPECT_EQ(cudaStreamSynchronize(waiting), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(waiting), cudaSuccess);
  EXPECT_EQ(result.values().front(), 5);
}

TEST(Stream, StaticSharedMemoryIsEachBlocksOwn) {
  // Both kernels are within the function at the same time, and each sees only its own number.
  const auto kernel = +[](int* own, int* peer, int number, int* seen) {
    __shared__ int mine;
    if (threadIdx.x == 0) mine = number;
    block_sync();
    if (threadIdx.x == 0) {
      atomicExch(own, 1);
      while (atomicAdd(peer, 0) == 0) nap(100);
    }
    block_sync();
    seen[threadIdx.x] = mine;
  };
  const DeviceArray<int> flags(std::vector<int>(2)), seen(64);
  const TestStream left, right;
  launch(kernel, {dim3(1), dim3(32)}, left, flags.get(), flags.get() + 1, 1, seen.get());
  launch(kernel, {dim3(1), dim3(32)}, right, flags.get() + 1, flags.get(), 2, seen.get() + 32);
  std::vector<int> expected(64, 1);
  std::fill(expected.begin() + 32, expected.end(), 2);
  EXPECT_EQ(seen.values(), expected);
}

TEST(Stream, CarriesOutCopiesAndSetsAndHostFunctions) {
  const TestStream stream;
  const DeviceArray<std::uint8_t> bytes(12);
  EXPECT_EQ(cudaMemsetAsync(bytes.get(), 3, 12, stream), cudaSuccess);
  const std::uint8_t from[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(cudaMemcpy2DAsync(bytes.get(), 6, from, 4, 2, 2, cudaMemcpyDefault, stream),
            cudaSuccess);
  std::atomic<int> called = 0;
  EXPECT_EQ(cudaLaunchHostFunc(
                stream, [](void* count) { ++*static_cast<std::atomic<int>*>(count); }, &called),
            cudaSuccess);
  EXPECT_EQ(bytes.values(), (std::vector<std::uint8_t>{1, 2, 3, 3, 3, 3, 5, 6, 3, 3, 3, 3}));
  EXPECT_EQ(called, 1);
}

TEST(Event, MakesAStreamWaitForAnother) {
  const DeviceArray<int> flag(std::vector<int>{0}), number(std::vector<int>{0});
  const TestStream first, second;
  const TestEvent written(cudaEventDisableTiming);
  launch(wait_for, {}, first, flag.get());
  launch(set, {}, first, number.get(), 7);
  EXPECT_EQ(cudaEventRecord(written, first), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(second, written), cudaSuccess);
  int seen = -1;
  cudaMemcpyAsync(&seen, number.get(), sizeof(seen), cudaMemcpyDefault, second);
  EXPECT_EQ(cudaEventQuery(written), cudaErrorNotReady);
  EXPECT_EQ(cudaStreamQuery(second), cudaErrorNotReady);
  const TestStream third;
  launch(set, {}, third, flag.get(), 1);
  EXPECT_EQ(cudaStreamSynchronize(second), cudaSuccess);
  EXPECT_EQ(seen, 7);
  EXPECT_EQ(cudaEventQuery(written), cudaSuccess);
}

// A wait is for the record before it, whatever is recorded later.
TEST(Event, IsTheMomentItWasRecordedLast) {
  const DeviceArray<int> flag(std::vector<int>{0});
  const TestStream busy, other;
  const TestEvent event;
  EXPECT_EQ(cudaStreamWaitEvent(other, event), cudaSuccess) << "never recorded: no wait";
  EXPECT_EQ(cudaEventRecord(event, busy), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(other, event), cudaSuccess);
  launch(wait_for, {}, busy, flag.get());
  EXPECT_EQ(cudaEventRecord(event, busy), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(other), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  launch(set, {}, other, flag.get(), 1);
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
}

RG_KERNEL void take_ns(std::int64_t ns, std::int64_t* clock) {
  const std::int64_t start = global_timer_ns();
  while (global_timer_ns() < start + ns) nap(1000);
  clock[0] = start;
  clock[1] = global_timer_ns();
}

TEST(Event, MeasuresAtLeastWhatAKernelTakes) {
  const DeviceArray<std::int64_t> clock(2);
  const TestStream stream;
  const TestEvent start, end;
  cudaEventRecord(start, stream);
  launch(take_ns, {}, stream, 3'000'000, clock.get());
  cudaEventRecord(end, stream);
  EXPECT_EQ(cudaEventSynchronize(end), cudaSuccess);
  float milliseconds = 0;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaSuccess);
  EXPECT_GE(milliseconds, 3.0f);
  const std::vector<std::int64_t> seen = clock.values();
  EXPECT_GE(seen[1] - seen[0], 3'000'000);
}

}  // namespace
}  // namespace regroup::cuda
