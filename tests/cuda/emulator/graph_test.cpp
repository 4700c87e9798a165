// What a stream captures, a graph repeats.
#include <gtest/gtest.h>

#include "runtime/cuda/portable/device_code.hpp"
#include "runtime/cuda/portable/launch.hpp"
#include "tests/cuda/emulator/device_array.hpp"

namespace regroup::cuda {
namespace {

RG_KERNEL void times_ten_plus(int* number, const int* digit) { *number = *number * 10 + *digit; }

class GraphOfDigits : public ::testing::Test {
 protected:
  GraphOfDigits() {
    check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "capturing");
    for (int i = 0; i < 2; ++i)
      launch(times_ten_plus, {}, stream_, number_.get(), digits_.get() + i);
    check(cudaMemcpyAsync(copy_.get(), number_.get(), sizeof(int), cudaMemcpyDefault, stream_),
          "copying");
    check(cudaStreamEndCapture(stream_, &graph_), "capturing");
    check(cudaGraphInstantiate(&exec_, graph_, 0), "instantiating");
  }
  ~GraphOfDigits() override {
    if (graph_ != nullptr) cudaGraphDestroy(graph_);
    cudaGraphExecDestroy(exec_);
  }

  TestStream stream_;
  DeviceArray<int> digits_{std::vector<int>{1, 2}};
  DeviceArray<int> number_{std::vector<int>{0}}, copy_{std::vector<int>{0}};
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t exec_ = nullptr;
};

TEST_F(GraphOfDigits, CapturingRunsNothing) {
  EXPECT_EQ(number_.values().front(), 0);
  EXPECT_EQ(copy_.values().front(), 0);
}

TEST_F(GraphOfDigits, LaunchesInOrderAndAgain) {
  const long kernels = emulator::counts().kernels;
  EXPECT_EQ(cudaGraphUpload(exec_, stream_), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(exec_, stream_), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(exec_, stream_), cudaSuccess);
  EXPECT_EQ(number_.values().front(), 1212);
  EXPECT_EQ(copy_.values().front(), 1212);
  EXPECT_EQ(emulator::counts().kernels, kernels + 4);
}

// One graph serves many groups: what changes is in memory that it reads.
TEST_F(GraphOfDigits, ReadsWhatMemoryHoldsAtTheLaunch) {
  cudaGraphLaunch(exec_, stream_);
  const int digits[2] = {3, 4};
  cudaMemcpyAsync(digits_.get(), digits, sizeof(digits), cudaMemcpyDefault, stream_);
  cudaGraphLaunch(exec_, stream_);
  EXPECT_EQ(number_.values().front(), 1234);
}

TEST_F(GraphOfDigits, ExecutableOutlivesItsGraph) {
  std::size_t nodes = 0;
  EXPECT_EQ(cudaGraphGetNodes(graph_, nullptr, &nodes), cudaSuccess);
  EXPECT_EQ(nodes, 3u);
  EXPECT_EQ(cudaGraphDestroy(graph_), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph_), cudaErrorInvalidValue) << "twice";
  graph_ = nullptr;
  const TestStream other;
  EXPECT_EQ(cudaGraphLaunch(exec_, other), cudaSuccess);
  EXPECT_EQ(number_.values().front(), 12);
}

TEST(Graph, SaysWhetherAStreamCaptures) {
  const TestStream stream;
  cudaStreamCaptureStatus status;
  EXPECT_EQ(cudaStreamIsCapturing(stream, &status), cudaSuccess);
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
  EXPECT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), cudaSuccess);
  cudaStreamIsCapturing(stream, &status);
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  cudaStreamIsCapturing(stream, &status);
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
}

}  // namespace
}  // namespace regroup::cuda
