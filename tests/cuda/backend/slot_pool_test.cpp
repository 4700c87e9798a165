#include "runtime/cuda/backend/slot_pool.hpp"

#include <gtest/gtest.h>

#include <array>

#include "core/errors.hpp"

namespace regroup::cuda {
namespace {

TEST(SlotPool, GivesEachSlotOnceAndTakesItBack) {
  std::array<std::byte, 30> memory;
  SlotPool pool(memory.data(), 10, 3, "things");
  Slot first = pool.take(10);
  Slot second = pool.take(1);
  EXPECT_EQ(first.data(), memory.data());
  EXPECT_EQ(second.data(), memory.data() + 10);
  EXPECT_EQ(pool.in_use(), 2);
  first = Slot();
  EXPECT_EQ(pool.in_use(), 1);
  Slot moved = std::move(second);
  EXPECT_EQ(moved.data(), memory.data() + 10);
  EXPECT_EQ(pool.take(5).data(), memory.data());
}

TEST(SlotPool, SaysWhatIsFullAndWhatWouldHelp) {
  std::array<std::byte, 8> memory;
  SlotPool pool(memory.data(), 8, 1, "states on rank 3");
  const Slot only = pool.take(8);
  try {
    pool.take(8);
    FAIL();
  } catch (const SystemError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("states on rank 3"), std::string::npos) << text;
    EXPECT_NE(text.find("--states"), std::string::npos) << text;
  }
}

TEST(SlotPool, RefusesWhatDoesNotFit) {
  std::array<std::byte, 8> memory;
  SlotPool pool(memory.data(), 8, 1, "states");
  EXPECT_THROW(pool.take(9), SystemError);
  EXPECT_EQ(pool.in_use(), 0);
}

}  // namespace
}  // namespace regroup::cuda
