#include "runtime/cuda/gpu/graph.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "core/errors.hpp"
#include "runtime/cuda/gpu/device_memory.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

TEST(Graph, IsCarriedOutWhenLaunchedAndNotWhenRecorded) {
  const Stream stream;
  const PinnedBuffer memory(8, "a test");
  auto* const values = memory.as<std::int32_t>();
  values[0] = values[1] = 0;
  int given = 0;
  const Graph graph = Graph::record(stream.get(), [&] {
    ++given;
    check(cudaMemsetAsync(&values[0], 1, 4, stream.get()), "setting");
    check(cudaMemcpyAsync(&values[1], &values[0], 4, cudaMemcpyDefault, stream.get()), "copying");
  });
  stream.synchronize("a test");
  EXPECT_EQ(values[0], 0);
  EXPECT_EQ(graph.nodes(), 2u);
  for (int i = 0; i < 2; ++i) {
    values[0] = values[1] = 0;
    graph.launch(stream.get());
    stream.synchronize("a test");
    EXPECT_EQ(values[1], 0x01010101);
  }
  EXPECT_EQ(given, 1);
}

TEST(Graph, WhatRecordingThrowsLeavesTheStreamUsable) {
  const Stream stream;
  const emulator::Counts before = emulator::counts();
  EXPECT_THROW(Graph::record(stream.get(), [] { throw std::runtime_error("no"); }),
               std::runtime_error);
  EXPECT_EQ(emulator::counts().graphs, before.graphs);
  EXPECT_EQ(emulator::counts().executables, before.executables);
  EXPECT_NO_THROW(stream.synchronize("a test"));
}

TEST(Graph, WhatCannotBeRecordedIsAnError) {
  const Stream stream;
  EXPECT_THROW(Graph::record(stream.get(), [&] { stream.synchronize("a test"); }), CudaError);
  EXPECT_THROW(Graph::record(stream.get(), [] { DeviceBuffer(16, "a test"); }), CudaError);
}

TEST(Graph, IsGivenBack) {
  const Stream stream;
  const emulator::Counts before = emulator::counts();
  {
    Graph graph = Graph::record(stream.get(), [] {});
    Graph moved = std::move(graph);
    EXPECT_FALSE(graph);
    EXPECT_TRUE(moved);
    EXPECT_EQ(emulator::counts().executables, before.executables + 1);
  }
  EXPECT_EQ(emulator::counts().executables, before.executables);
  EXPECT_EQ(emulator::counts().graphs, before.graphs);
}

}  // namespace
}  // namespace regroup::cuda
