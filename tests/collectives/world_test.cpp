#include "runtime/collectives/world.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include "core/errors.hpp"

namespace regroup::collectives {
namespace {

static_assert(std::is_trivially_copyable_v<RankGroup> && sizeof(RankGroup) <= 48);
static_assert(std::is_trivially_copyable_v<Port> && std::is_trivially_copyable_v<Failure>);

RankGroup form(const World& world, std::initializer_list<int> ranks, std::uint64_t step = 1) {
  return world.form({ranks.begin(), ranks.size()}, step);
}

// The message of the error that `action` must end with.
template <class E, class Action>
std::string message_of(Action action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

TEST(World, FormsOrderedGroups) {
  const World world({.ranks = 16});
  const RankGroup group = form(world, {3, 15, 0}, 42);
  EXPECT_EQ(group.step, 42u);
  EXPECT_EQ(group.size, 3);
  EXPECT_EQ(group.position(3), 0);
  EXPECT_EQ(group.position(15), 1);
  EXPECT_EQ(group.position(0), 2);
  EXPECT_EQ(group.position(1), -1);
  EXPECT_EQ(group, form(world, {3, 15, 0}, 42));
  EXPECT_FALSE(group == form(world, {0, 15, 3}, 42));
  EXPECT_FALSE(group == form(world, {3, 15}, 42));
  EXPECT_FALSE(group == form(world, {3, 15, 0}, 43));
}

TEST(World, RefusesGroupsThatCannotBe) {
  const World world({.ranks = 4});
  EXPECT_EQ(message_of<ConfigError>([&] { form(world, {}, 7); }),
            "collectives: step 7: a group of no ranks");
  EXPECT_EQ(message_of<ConfigError>([&] {
              form(world, {0, 4}, 7);
            }),
            "collectives: step 7: no rank 4; this world has 0 to 3");
  EXPECT_EQ(message_of<ConfigError>([&] { form(world, {-1}, 7); }),
            "collectives: step 7: no rank -1; this world has 0 to 3");
  EXPECT_EQ(message_of<ConfigError>([&] {
              form(world, {2, 1, 2}, 7);
            }),
            "collectives: step 7: rank 2 is in the group twice");
}

TEST(World, RefusesWorldsThatCannotBe) {
  for (const int ranks : {-1, 0, kMaxRanks + 1})
    EXPECT_NE(message_of<ConfigError>([&] { World({.ranks = ranks}); }).find("1 to 32"),
              std::string::npos);
  EXPECT_NE(message_of<ConfigError>([] {
              World({.ranks = 2, .slot_bytes = UINT64_MAX});
            }).find("at most"),
            std::string::npos);
}

TEST(World, RegionsDoNotOverlap) {
  const World world({.ranks = 3, .slot_bytes = 5000, .window_bytes = 100});
  const Heap& heap = world.heap();
  EXPECT_EQ(heap.layout.slot_bytes, 8192u);
  for (int rank = 0; rank < 3; ++rank) {
    const std::byte* end = heap.region(rank) + sizeof(Pad);
    for (int slot = 0; slot < kStagingSlots; ++slot) {
      EXPECT_LE(end, heap.staging(rank, slot));
      end = heap.staging(rank, slot) + heap.layout.slot_bytes;
    }
    EXPECT_LE(end, world.window(rank).data());
    end = world.window(rank).data() + world.window(rank).size();
    EXPECT_EQ(end, heap.region(rank) + heap.layout.stride());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(heap.region(rank)) % kHeapAlignment, 0u);
  }
}

TEST(World, OneThreadAtATimeOnAChannel) {
  World world({.ranks = 2});
  const RankChannel::Occupied first(world.channel(1, Channel::kPuts));
  const RankChannel::Occupied other(world.channel(1, Channel::kCollectives));
  EXPECT_THROW(RankChannel::Occupied(world.channel(1, Channel::kPuts)), InternalError);
  EXPECT_NE(message_of<InternalError>([&] { world.rearm(); }).find("rank 1 is still inside"),
            std::string::npos);
}

}  // namespace
}  // namespace regroup::collectives
