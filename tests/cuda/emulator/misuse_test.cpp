// What CUDA forbids, and our code must not do unnoticed; and counts, by which leaks show.
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "runtime/cuda/portable/device_code.hpp"
#include "runtime/cuda/portable/launch.hpp"
#include "tests/cuda/emulator/device_array.hpp"

namespace regroup::cuda {
namespace {

RG_KERNEL void nothing() {}
RG_KERNEL void nothing_large() {}

cudaError_t try_launch(dim3 grid, dim3 block, std::size_t shared = 0, cudaStream_t stream = nullptr,
                       void (*kernel)() = nothing) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared;
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel);
}

TEST(Misuse, LaunchesBeyondTheLimits) {
  EXPECT_EQ(try_launch(dim3(1), dim3(1024)), cudaSuccess);
  EXPECT_EQ(try_launch(dim3(0), dim3(32)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(try_launch(dim3(1), dim3(0)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(try_launch(dim3(1), dim3(1025)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(try_launch(dim3(1), dim3(32, 33)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(try_launch(dim3(1), dim3(1, 1, 65)), cudaErrorInvalidConfiguration);
  EXPECT_EQ(try_launch(dim3(1, 65536), dim3(1)), cudaErrorInvalidConfiguration);
}

TEST(Misuse, SharedMemoryMustBeAskedFor) {
  const std::size_t kilobyte = 1024;
  const auto with_shared = [](std::size_t bytes) {
    return try_launch(dim3(1), dim3(1), bytes, nullptr, nothing_large);
  };
  EXPECT_EQ(with_shared(48 * kilobyte), cudaSuccess);
  EXPECT_EQ(with_shared(48 * kilobyte + 1), cudaErrorInvalidValue);
  const auto attribute = cudaFuncAttributeMaxDynamicSharedMemorySize;
  EXPECT_EQ(cudaFuncSetAttribute(nothing_large, attribute, 228 * 1024), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFuncSetAttribute(nothing_large, attribute, 227 * 1024), cudaSuccess);
  EXPECT_EQ(with_shared(227 * kilobyte), cudaSuccess);
  cudaFuncAttributes attributes;
  EXPECT_EQ(cudaFuncGetAttributes(&attributes, nothing_large), cudaSuccess);
  EXPECT_EQ(attributes.maxDynamicSharedSizeBytes, 227 * 1024);
}

TEST(Misuse, HandlesThatWereDestroyed) {
  cudaStream_t stream = nullptr;
  cudaEvent_t event = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaEventCreate(&event), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  EXPECT_EQ(try_launch(dim3(1), dim3(1), 0, stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventRecord(event, stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorInvalidResourceHandle);
}

TEST(Misuse, OnlyNonBlockingStreams) {
  cudaStream_t stream = nullptr;
  EXPECT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamDefault), cudaErrorNotSupported);
}

TEST(Misuse, MemoryThatIsNotThere) {
  int on_host = 0;
  EXPECT_EQ(cudaFree(&on_host), cudaErrorInvalidValue);
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, std::size_t{81} << 30), cudaErrorMemoryAllocation);
  EXPECT_EQ(memory, nullptr);
  EXPECT_EQ(cudaMemsetAsync(nullptr, 0, 1), cudaErrorInvalidValue);
}

TEST(Misuse, ErrorIsKeptUntilItIsAskedFor) {
  cudaGetLastError();
  EXPECT_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_STREQ(cudaGetErrorName(cudaErrorInvalidDevice), "cudaErrorInvalidDevice");
}

TEST(Misuse, HostFunctionsMayNotCallCuda) {
  cudaError_t seen = cudaSuccess;
  ASSERT_EQ(cudaLaunchHostFunc(
                nullptr,
                [](void* result) {
                  void* memory = nullptr;
                  *static_cast<cudaError_t*>(result) = cudaMalloc(&memory, 16);
                },
                &seen),
            cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(seen, cudaErrorNotPermitted);
}

// ---- While a stream captures -------------------------------------------------------------------

class Capturing : public ::testing::Test {
 protected:
  // Begins, does, and ends; says whether there is a graph.
  cudaError_t capture(cudaStreamCaptureMode mode, const std::function<void()>& what) {
    check(cudaStreamBeginCapture(stream_, mode), "capturing");
    what();
    cudaGraph_t graph = nullptr;
    const cudaError_t ended = cudaStreamEndCapture(stream_, &graph);
    EXPECT_EQ(graph != nullptr, ended == cudaSuccess);
    if (graph != nullptr) cudaGraphDestroy(graph);
    return ended;
  }
  // A call that CUDA cannot record: it fails, and spoils the capture.
  void expect_forbidden(const std::function<cudaError_t()>& call) {
    const cudaError_t ended = capture(cudaStreamCaptureModeThreadLocal, [&] {
      EXPECT_EQ(call(), cudaErrorStreamCaptureUnsupported);
      EXPECT_EQ(try_launch(dim3(1), dim3(1), 0, stream_), cudaErrorStreamCaptureInvalidated);
    });
    EXPECT_EQ(ended, cudaErrorStreamCaptureInvalidated);
  }

  TestStream stream_, other_;
  DeviceArray<int> memory_{4};
  void* pointer_ = nullptr;
};

TEST_F(Capturing, SynchronizingTheStream) {
  expect_forbidden([&] { return cudaStreamSynchronize(stream_); });
}
TEST_F(Capturing, QueryingTheStream) {
  expect_forbidden([&] { return cudaStreamQuery(stream_); });
}
TEST_F(Capturing, SynchronizingTheDevice) { expect_forbidden(cudaDeviceSynchronize); }
TEST_F(Capturing, Allocating) {
  expect_forbidden([&] { return cudaMalloc(&pointer_, 16); });
}
TEST_F(Capturing, Freeing) {
  expect_forbidden([&] { return cudaFree(memory_.get()); });
}
TEST_F(Capturing, CopyingSynchronously) {
  int to = 0;
  expect_forbidden([&] { return cudaMemcpy(&to, memory_.get(), sizeof(to), cudaMemcpyDefault); });
}

TEST_F(Capturing, EventsOfOtherStreams) {
  const TestEvent event;
  cudaEventRecord(event, other_);
  const cudaError_t ended = capture(cudaStreamCaptureModeThreadLocal, [&] {
    EXPECT_EQ(cudaStreamWaitEvent(stream_, event), cudaErrorStreamCaptureIsolation);
  });
  EXPECT_EQ(ended, cudaErrorStreamCaptureInvalidated);
}

TEST_F(Capturing, CapturedEventsAreNoMoments) {
  const TestEvent event;
  const cudaError_t ended = capture(cudaStreamCaptureModeThreadLocal, [&] {
    EXPECT_EQ(cudaEventRecord(event, stream_), cudaSuccess);
    EXPECT_EQ(cudaStreamWaitEvent(stream_, event), cudaSuccess);
  });
  EXPECT_EQ(ended, cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorCapturedEvent);
}

TEST_F(Capturing, OtherThreadsAreForbiddenToAllocateOnlyInGlobalMode) {
  for (const auto mode : {cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeGlobal}) {
    const bool global = mode == cudaStreamCaptureModeGlobal;
    const cudaError_t ended = capture(mode, [&] {
      std::thread([&] {
        void* memory = nullptr;
        EXPECT_EQ(cudaMalloc(&memory, 16),
                  global ? cudaErrorStreamCaptureUnsupported : cudaSuccess);
        EXPECT_EQ(cudaFree(memory), global ? cudaErrorStreamCaptureUnsupported : cudaSuccess);
      }).join();
    });
    EXPECT_EQ(ended, global ? cudaErrorStreamCaptureInvalidated : cudaSuccess);
  }
}

TEST_F(Capturing, MustBeEndedByTheThreadThatBeganIt) {
  check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "capturing");
  EXPECT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed), cudaErrorIllegalState);
  cudaGraph_t graph = nullptr;
  std::thread([&] {
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaErrorStreamCaptureWrongThread);
  }).join();
  EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaSuccess);
  EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaErrorIllegalState);
}

// ---- Counts ------------------------------------------------------------------------------------

TEST(Counts, ComeBackWhenAllIsReleasedAndSayThatThereWasSomething) {
  const emulator::Counts before = emulator::counts();
  {
    const TestStream stream;
    const TestEvent event;
    const DeviceArray<double> memory(100);
    void* host = nullptr;
    ASSERT_EQ(cudaMallocHost(&host, 32), cudaSuccess);
    launch(nothing, {}, stream);
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    emulator::Counts expected = before;
    ++expected.streams;
    ++expected.events;
    ++expected.device_allocations;
    ++expected.host_allocations;
    expected.device_bytes += 100 * sizeof(double);
    expected.created += 4;
    ++expected.kernels;
    EXPECT_EQ(emulator::counts(), expected);
    ASSERT_EQ(cudaFreeHost(host), cudaSuccess);
  }
  emulator::Counts expected = before;
  expected.created += 4;
  ++expected.kernels;
  EXPECT_EQ(emulator::counts(), expected);
}

TEST(Counts, FreshMemoryIsPoisoned) {
  EXPECT_EQ(DeviceArray<std::uint32_t>(2).values(),
            (std::vector<std::uint32_t>{0xffffffffu, 0xffffffffu}));
}

}  // namespace
}  // namespace regroup::cuda
