#include "runtime/cuda/gpu/arming.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "core/errors.hpp"
#include "runtime/cuda/gpu/device_memory.hpp"
#include "runtime/cuda/gpu/graph.hpp"

namespace regroup::cuda {
namespace {

class Arming : public ::testing::Test {
 protected:
  void TearDown() override { disarm(); }
};

// What InternalError says; empty: it was not thrown.
std::string complaint(const std::function<void()>& work) {
  try {
    work();
  } catch (const InternalError& error) {
    return error.what();
  }
  return {};
}

TEST_F(Arming, NamesWhatWasAttempted) {
  const Stream stream;
  arm();
  EXPECT_TRUE(armed());
  const emulator::Counts before = emulator::counts();
  const struct {
    std::function<void()> work;
    const char* says;
  } attempts[] = {
      {[] { DeviceBuffer(4096, "the text embedding"); },
       "allocating 4096 bytes of device memory for the text embedding after the ranks were armed"},
      {[] { PinnedBuffer(8, "a report"); },
       "allocating 8 bytes of pinned host memory for a report after"},
      {[] { Stream(); }, "creating a stream after"},
      {[] { Event(); }, "creating an event after"},
      {[&stream] { Graph::record(stream.get(), [] {}); }, "recording a graph after"},
      {[] { forbid_if_armed("building a plan"); }, "building a plan after"},
  };
  for (const auto& attempt : attempts)
    EXPECT_NE(complaint(attempt.work).find(attempt.says), std::string::npos)
        << complaint(attempt.work) << "\nshould say: " << attempt.says;
  EXPECT_EQ(emulator::counts(), before);
}

TEST_F(Arming, EndsWhenDisarmed) {
  arm();
  disarm();
  EXPECT_FALSE(armed());
  EXPECT_NO_THROW(DeviceBuffer(16, "a test"));
}

TEST_F(Arming, IsNotDoneTwice) {
  arm();
  EXPECT_THROW(arm(), InternalError);
}

}  // namespace
}  // namespace regroup::cuda
