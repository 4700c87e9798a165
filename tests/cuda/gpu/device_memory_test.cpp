#include "runtime/cuda/gpu/device_memory.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "core/errors.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

TEST(DeviceMemory, EverythingIsGivenBack) {
  const emulator::Counts before = emulator::counts();
  {
    DeviceBuffer buffer(1000, "a test");
    EXPECT_EQ(buffer.bytes(), 1000u);
    EXPECT_EQ(emulator::counts().device_allocations, before.device_allocations + 1);
    DeviceBuffer moved = std::move(buffer);
    buffer = DeviceBuffer(10, "another");
    moved = std::move(buffer);
    EXPECT_EQ(moved.bytes(), 10u);
    const PinnedBuffer pinned(64, "a test");
    Stream stream;
    stream = Stream();
    Event event;
    event = Event(Event::Timing::kYes);
  }
  emulator::Counts after = emulator::counts();
  after.created = before.created;
  EXPECT_EQ(after, before);
}

TEST(DeviceMemory, NothingIsAllocatedForNoBytes) {
  const emulator::Counts before = emulator::counts();
  EXPECT_EQ(DeviceBuffer(0, "nothing").data(), nullptr);
  EXPECT_EQ(emulator::counts(), before);
}

TEST(DeviceMemory, TooMuchIsAnErrorThatNamesIt) {
  try {
    DeviceBuffer(std::size_t{1} << 50, "the weights of a large model");
    FAIL() << "there was room";
  } catch (const CudaError& error) {
    EXPECT_NE(std::string(error.what()).find("for the weights of a large model failed"),
              std::string::npos)
        << error.what();
  }
}

void wait_at_gate(void* gate) {
  auto* const open = static_cast<std::atomic<bool>*>(gate);
  open->wait(false);
}

TEST(DeviceMemory, EventsFollowTheirStream) {
  const Stream stream;
  const Event first(Event::Timing::kYes);
  const Event last(Event::Timing::kYes);
  std::atomic<bool> gate = false;
  first.record(stream.get());
  check(cudaLaunchHostFunc(stream.get(), wait_at_gate, &gate), "waiting");
  last.record(stream.get());
  EXPECT_FALSE(last.done());
  gate = true;
  gate.notify_all();
  last.synchronize();
  EXPECT_TRUE(last.done());
  EXPECT_GE(last.seconds_since(first), 0);
  stream.synchronize("a test");
}

TEST(DeviceMemory, PinnedMemoryHoldsWhatStreamsWrite) {
  const Stream stream;
  const DeviceBuffer device(4, "a test");
  const PinnedBuffer host(4, "a test");
  check(cudaMemsetAsync(device.data(), 7, 4, stream.get()), "setting");
  check(cudaMemcpyAsync(host.data(), device.data(), 4, cudaMemcpyDefault, stream.get()), "copying");
  stream.synchronize("a test");
  EXPECT_EQ(*host.as<std::uint32_t>(), 0x07070707u);
}

}  // namespace
}  // namespace regroup::cuda
