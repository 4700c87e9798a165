#include "runtime/cuda/portable/bf16.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace regroup::cuda {
namespace {

TEST(Bf16Numbers, AllComeBackAsTheyWere) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const Bf16 number{static_cast<std::uint16_t>(bits)};
    const bool nan = std::isnan(to_float(number));
    EXPECT_EQ(nan, (bits & 0x7fff) > 0x7f80);
    ASSERT_EQ(to_bf16(to_float(number)).bits, nan ? 0x7fff : bits);
  }
}

// Between neighbours: to the nearer one, from the middle to the even one.
TEST(Bf16Numbers, RoundToTheNearest) {
  for (std::uint32_t bits = 0; bits < 0x7f80; ++bits) {
    const auto low = static_cast<std::uint16_t>(bits), high = static_cast<std::uint16_t>(bits + 1);
    const float below = to_float({low});
    const std::uint32_t middle_bits = bits << 16 | 0x8000;
    float middle;
    memcpy(&middle, &middle_bits, sizeof(middle));
    ASSERT_LT(below, middle);
    ASSERT_LT(middle, to_float({high}));
    EXPECT_EQ(to_bf16(std::nextafterf(middle, 0)).bits, low);
    EXPECT_EQ(to_bf16(middle).bits, bits % 2 == 0 ? low : high);
    EXPECT_EQ(to_bf16(std::nextafterf(middle, std::numeric_limits<float>::infinity())).bits, high);
    EXPECT_EQ(to_bf16(-middle).bits, (bits % 2 == 0 ? low : high) | 0x8000);
  }
}

TEST(Bf16Numbers, PairHasTheFirstInItsLowerHalf) {
  const Bf16 memory[2] = {to_bf16(1.5f), to_bf16(-3)};
  std::uint32_t pair;
  memcpy(&pair, memory, sizeof(pair));
  EXPECT_EQ(pack_bf16(1.5f, -3), pair);
  EXPECT_EQ(first_of(pair), 1.5f);
  EXPECT_EQ(second_of(pair), -3.0f);
}

TEST(Bf16Numbers, EightAtOnceKeepTheirOrder) {
  alignas(16) Bf16 from[8];
  alignas(16) Bf16 to[8];
  for (int i = 0; i < 8; ++i) from[i] = to_bf16(static_cast<float>(i + 1));
  float values[8];
  load8(from, values);
  store8(to, values);
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(values[i], static_cast<float>(i + 1));
    EXPECT_EQ(to[i].bits, from[i].bits);
  }
}

}  // namespace
}  // namespace regroup::cuda
