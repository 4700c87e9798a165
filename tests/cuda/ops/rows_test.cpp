// Residuals, activations and copies, against the CPU's.
#include "device_test.hpp"
#include "runtime/cuda/ops/kernels.hpp"
#include "runtime/dit/kernels.hpp"

namespace regroup::cuda {
namespace {

using dit::Matrix;

class RowsTest : public DeviceTest {
 protected:
  // More columns than a block takes at once, and no multiple of what a warp takes.
  static constexpr std::size_t kRows = 3, kCols = 1096;
};

TEST_F(RowsTest, AddGated) {
  const Matrix x = random_matrix(kRows, kCols, 1), y = random_matrix(kRows, kCols, 2);
  const Matrix gate = random_matrix(1, kCols, 3);
  const DeviceMatrix<Bf16> sum(x, 8), plain(x), added(y, 16);
  const DeviceMatrix<float> gates(gate);
  add_gated(nullptr, sum.view(), gates.data(), added.view());
  add_gated(nullptr, plain.view(), nullptr, added.view());
  Matrix expected = x, expected_plain = x;
  dit::add_gated(expected.view(), gate.values, y.view());
  dit::add_gated(expected_plain.view(), {}, y.view());
  EXPECT_LT(relative_error(sum.values(), expected), kBf16Error);
  EXPECT_LT(relative_error(plain.values(), expected_plain), kBf16Error);
}

template <class T>
void expect_activation(Activation f, bool with_bias, double tolerance) {
  const Matrix y = random_matrix(2, 1096, 1), bias = random_matrix(1, 1096, 2);
  const DeviceMatrix<T> rows(y, 8);
  const DeviceMatrix<Bf16> biases(bias);
  activate(nullptr, rows.view(), with_bias ? biases.data() : nullptr, f);
  Matrix expected = y;
  if (with_bias)
    for (std::size_t i = 0; i < y.values.size(); ++i) expected.values[i] += bias.values[i % y.cols];
  if (f == Activation::kGelu) dit::gelu_tanh(expected.view());
  if (f == Activation::kSilu) dit::silu(expected.view());
  EXPECT_LT(relative_error(rows.values(), expected), tolerance)
      << static_cast<int>(f) << (with_bias ? " with bias" : "");
}

TEST_F(RowsTest, Activate) {
  for (const Activation f : {Activation::kNone, Activation::kGelu, Activation::kSilu})
    for (const bool with_bias : {false, true}) {
      expect_activation<Bf16>(f, with_bias, kBf16Error);
      expect_activation<float>(f, with_bias, kFloatError);
    }
}

TEST_F(RowsTest, ActivationsOfLargeNumbers) {
  Matrix large(1, 8);
  large.values = {-1e30f, -1000, -100, -20, 20, 100, 1000, 1e30f};
  const DeviceMatrix<float> gelu(large), silu(large);
  activate(nullptr, gelu.view(), nullptr, Activation::kGelu);
  activate(nullptr, silu.view(), nullptr, Activation::kSilu);
  for (const Matrix& result : {gelu.values(), silu.values()})
    for (std::size_t i = 0; i < 8; ++i)
      EXPECT_NEAR(result.values[i], std::max(large.values[i], 0.0f),
                  1e-7f * std::abs(large.values[i]));
}

TEST_F(RowsTest, CopyKeepsEveryBit) {
  const Matrix x = random_matrix(kRows, kCols, 1);
  const DeviceMatrix<Bf16> from(x, 8), to(kRows, kCols, 24);
  copy_rows(nullptr, from.view(), to.view());
  EXPECT_EQ(to.values(), x);
}

TEST_F(RowsTest, GatherFromWhereTheDeviceSays) {
  const Matrix all = random_matrix(9, 72, 1);
  Matrix expected(4, 72);
  std::copy_n(all.row(3).data(), expected.values.size(), expected.values.begin());
  const DeviceMatrix<float> floats(all, 4);
  const DeviceMatrix<Bf16> halves(all, 8), from_floats(4, 72, 8), from_halves(4, 72, 8);
  const DeviceBuffer first = on_device(std::int32_t{3});
  gather_rows(nullptr, floats.view(), first.as<std::int32_t>(), from_floats.view());
  gather_rows(nullptr, halves.view(), first.as<std::int32_t>(), from_halves.view());
  EXPECT_EQ(from_floats.values(), expected);
  EXPECT_EQ(from_halves.values(), expected);
}

TEST_F(RowsTest, NoRowsIsNoWork) {
  const Bf16Rows none{nullptr, 0, 8, 8};
  add_gated(nullptr, none, nullptr, none);
  activate(nullptr, none, nullptr, Activation::kSilu);
  copy_rows(nullptr, none, none);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

}  // namespace
}  // namespace regroup::cuda
