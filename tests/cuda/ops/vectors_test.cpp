// Conditioning vectors, the sampler and the checks at the end of a step.
#include "runtime/cuda/ops/vectors.hpp"

#include <chrono>
#include <limits>

#include "device_test.hpp"
#include "runtime/dit/conditioning.hpp"
#include "runtime/dit/kernels.hpp"
#include "runtime/dit/sampler.hpp"

namespace regroup::cuda {
namespace {

using dit::Matrix;

class VectorsTest : public DeviceTest {};

TEST_F(VectorsTest, MatrixVector) {
  const Matrix w = random_matrix(37, 264, 1), x = random_matrix(1, 264, 2);
  const Matrix bias = random_matrix(1, 37, 3);
  for (const Activation f : {Activation::kNone, Activation::kGelu, Activation::kSilu})
    for (const bool with_bias : {false, true}) {
      const DeviceMatrix<Bf16> weights(w, 8), biases(bias);
      const DeviceMatrix<float> in(x), out(1, 37);
      matrix_vector(nullptr, weights.view(), with_bias ? biases.data() : nullptr, in.data(),
                    out.data(), f);
      Matrix expected(1, 37);
      dit::Panels::from_columns(w.view()).multiply(
          x.view(), with_bias ? std::span<const float>(bias.values) : std::span<float>(),
          expected.view());
      if (f == Activation::kGelu) dit::gelu_tanh(expected.view());
      if (f == Activation::kSilu) dit::silu(expected.view());
      EXPECT_LT(relative_error(out.values(), expected), kFloatError);
    }
}

TEST_F(VectorsTest, ElementByElement) {
  constexpr std::size_t kSize = 1000, kPeriod = 250;
  const Matrix a = random_matrix(1, kSize, 1), b = random_matrix(1, kSize, 2);
  const DeviceMatrix<float> left(a), right(b), sum(1, kSize), activated(1, kSize), shared(1, kSize);
  const DeviceMatrix<Bf16> table(b);
  add(nullptr, left.data(), right.data(), kSize, sum.data());
  silu(nullptr, left.data(), kSize, activated.data());
  add_table(nullptr, table.data(), left.data(), kPeriod, kSize, shared.data());
  Matrix expected_sum(1, kSize), expected_silu = a, expected_shared(1, kSize);
  for (std::size_t i = 0; i < kSize; ++i) {
    expected_sum.values[i] = a.values[i] + b.values[i];
    expected_shared.values[i] = b.values[i] + a.values[i % kPeriod];
  }
  dit::silu(expected_silu.view());
  EXPECT_EQ(sum.values(), expected_sum);
  EXPECT_EQ(shared.values(), expected_shared);
  EXPECT_LT(relative_error(activated.values(), expected_silu), kFloatError);
}

TEST_F(VectorsTest, TimeFeatures) {
  for (const double t : {0.0, 0.37, 1.0, 0.0035}) {
    const DeviceBuffer time = on_device(t);
    const DeviceMatrix<float> out(1, 256);
    time_features(nullptr, time.as<double>(), 256, out.data());
    const std::vector<float> expected = dit::time_features(t, 256);
    const Matrix actual = out.values();
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(actual.values[i], expected[i], 1e-6f) << t << " at " << i;
  }
}

TEST_F(VectorsTest, GuidedEulerStepOfTheMembersRows) {
  constexpr std::size_t kAll = 7, kFirst = 2, kOwn = 3, kCols = 20;
  const Matrix latents = random_matrix(kAll, kCols, 1);
  const Matrix with = random_matrix(kOwn, kCols, 2), without = random_matrix(kOwn, kCols, 3);
  const DeviceMatrix<float> all(latents, 4), given(with), base(without);
  const DeviceBuffer first = on_device(std::int32_t{kFirst});
  const DeviceBuffer scalars = on_device(SamplerScalars{4.5f, -0.125f});
  for (const bool guided : {true, false}) {
    const DeviceMatrix<float> out(kOwn, kCols, 4);
    guided_euler_step(nullptr, all.view(), first.as<std::int32_t>(), given.view(),
                      guided ? base.data() : nullptr, scalars.as<SamplerScalars>(), out.view());
    Matrix velocity = with, expected(kOwn, kCols);
    if (guided) dit::guide(with.values, without.values, 4.5, velocity.values);
    std::copy_n(latents.row(kFirst).data(), expected.values.size(), expected.values.begin());
    dit::euler_step(expected.values, velocity.values, 0.5, 0.375);
    EXPECT_LT(relative_error(out.values(), expected), 1e-6);
  }
}

TEST_F(VectorsTest, CheckFindsOneNumberThatIsNotFinite) {
  constexpr std::size_t kSize = 40000;  // more than one for each thread
  const auto flagged = [&](auto type, std::size_t at, float value) {
    using T = decltype(type);
    Matrix x = random_matrix(1, kSize, 1);
    x.values[at] = value;
    const DeviceMatrix<T> numbers(x);
    const DeviceBuffer flag = on_device(std::uint32_t{0});
    check_finite(nullptr, numbers.data(), kSize, flag.as<std::uint32_t>());
    std::uint32_t result = 7;
    check(cudaDeviceSynchronize(), "waiting");
    check(cudaMemcpy(&result, flag.data(), sizeof(result), cudaMemcpyDefault), "copying");
    return result;
  };
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(flagged(0.0f, 0, 3e38f), 0u);
  EXPECT_EQ(flagged(Bf16{}, 0, 3e38f), 0u);
  EXPECT_EQ(flagged(0.0f, kSize - 1, -kInfinity), 1u);
  EXPECT_EQ(flagged(0.0f, 0, std::nanf("")), 1u);
  EXPECT_EQ(flagged(Bf16{}, 33000, kInfinity), 1u);
  EXPECT_EQ(flagged(Bf16{}, 129, std::nanf("")), 1u);
}

TEST_F(VectorsTest, SpinLastsAtLeastAsLong) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  spin_for(nullptr, 3'000'000);
  check(cudaDeviceSynchronize(), "waiting");
  EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(3));
}

}  // namespace
}  // namespace regroup::cuda
