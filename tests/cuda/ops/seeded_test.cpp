#include "runtime/cuda/ops/seeded.hpp"

#include <array>

#include "device_test.hpp"

namespace regroup::cuda {
namespace {

class SeededTest : public DeviceTest {};

TEST_F(SeededTest, DeviceAndHostAgreeToTheBit) {
  for (const std::size_t size : {1u, 7u, 8u, 1000u, 4099u}) {
    const SeededTensor tensor = seeded_tensor(42, "double.3.text.mlp.in.weight", 3072);
    const DeviceMatrix<Bf16> out(1, size);
    fill_seeded(nullptr, tensor, static_cast<std::int64_t>(size), out.data());
    const dit::Matrix values = out.values();
    for (std::size_t i = 0; i < size; ++i)
      ASSERT_EQ(values.values[i], to_float(to_bf16(seeded_value(tensor, i)))) << i;
  }
}

// Mean, deviation, skewness and the fourth moment of 100,000 numbers.
std::array<double, 4> moments(const SeededTensor& tensor) {
  constexpr int kCount = 100000;
  std::array<double, 5> sums{};
  for (int i = 0; i < kCount; ++i) {
    const double x =
        (static_cast<double>(seeded_value(tensor, static_cast<std::uint64_t>(i))) - tensor.mean) /
        tensor.deviation;
    for (int power = 1; power < 5; ++power)
      sums[static_cast<std::size_t>(power)] += std::pow(x, power) / kCount;
  }
  return {sums[1], std::sqrt(sums[2]), sums[3], sums[4]};
}

// The fourth moment of a sum of four uniform numbers is 3 - 6/5/4 = 2.7; of a normal one, 3.
TEST_F(SeededTest, NumbersAreNearlyNormal) {
  for (const char* name : {"a.weight", "b.weight"}) {
    const auto [mean, deviation, skewness, fourth] = moments(seeded_tensor(1, name, 64));
    EXPECT_NEAR(mean, 0, 0.02);
    EXPECT_NEAR(deviation, 1, 0.01);
    EXPECT_NEAR(skewness, 0, 0.05);
    EXPECT_NEAR(fourth, 2.7, 0.05);
  }
}

TEST_F(SeededTest, DistributionsAreThoseOfTheCpu) {
  const SeededTensor matrix = seeded_tensor(1, "x.weight", 64),
                     bias = seeded_tensor(1, "x.bias", 0),
                     gain = seeded_tensor(1, "x.query_gain", 0);
  EXPECT_FLOAT_EQ(matrix.deviation, 0.125f);
  EXPECT_FLOAT_EQ(bias.deviation, 0.1f);
  EXPECT_FLOAT_EQ(gain.deviation, 0.1f);
  EXPECT_EQ(matrix.mean, 0.0f);
  EXPECT_EQ(bias.mean, 0.0f);
  EXPECT_EQ(gain.mean, 1.0f);
}

TEST_F(SeededTest, EveryTensorHasItsOwn) {
  const auto key = [](std::uint64_t seed, const char* name) {
    return seeded_tensor(seed, name, 8).key;
  };
  EXPECT_EQ(key(1, "a"), key(1, "a"));
  EXPECT_NE(key(1, "a"), key(2, "a"));
  EXPECT_NE(key(1, "a"), key(1, "b"));
  EXPECT_NE(key(1, "ab"), key(1, "ba"));
}

}  // namespace
}  // namespace regroup::cuda
