// Norms against those of the CPU's transformer.
#include "device_test.hpp"
#include "runtime/cuda/ops/kernels.hpp"
#include "runtime/dit/kernels.hpp"

namespace regroup::cuda {
namespace {

using dit::Matrix;

struct Extent {
  std::size_t rows, cols;
};
class NormsTest : public DeviceTest, public ::testing::WithParamInterface<Extent> {};

Matrix ones_plus(const Matrix& values) {
  Matrix result = values;
  for (float& value : result.values) value += 1;
  return result;
}

// Its mean is far from 0.
Matrix input(Extent size) { return random_matrix(size.rows, size.cols, 1, 20); }

TEST_P(NormsTest, LayerNorm) {
  const Matrix x = input(GetParam());
  const Matrix gain = random_matrix(1, x.cols, 2, 1), offset = random_matrix(1, x.cols, 3);
  const DeviceMatrix<Bf16> from(x, 8), gains(gain), offsets(offset);
  const DeviceMatrix<Bf16> to(x.rows, x.cols, 24);
  layer_norm(nullptr, from.view(), gains.data(), offsets.data(), to.view());
  Matrix expected(x.rows, x.cols);
  dit::layer_norm(x.view(), gain.values, offset.values, expected.view());
  EXPECT_LT(relative_error(to.values(), expected), kBf16Error);
}

TEST_P(NormsTest, ModulatedNormInPlace) {
  const Matrix x = input(GetParam());
  const Matrix shift = random_matrix(1, x.cols, 2), scale = random_matrix(1, x.cols, 3);
  const DeviceMatrix<Bf16> rows(x, 16);
  const DeviceMatrix<float> shifts(shift), scales(scale);
  modulated_norm(nullptr, rows.view(), shifts.data(), scales.data(), rows.view());
  Matrix expected(x.rows, x.cols);
  dit::layer_norm(x.view(), ones_plus(scale).values, shift.values, expected.view());
  EXPECT_LT(relative_error(rows.values(), expected), kBf16Error);
}

TEST_P(NormsTest, RmsNorm) {
  const Matrix x = input(GetParam()), gain = random_matrix(1, x.cols, 2, 1);
  const DeviceMatrix<Bf16> rows(x, 8), gains(gain);
  rms_norm(nullptr, rows.view(), gains.data());
  Matrix expected = x;
  dit::rms_norm(expected.view(), gain.values);
  EXPECT_LT(relative_error(rows.values(), expected), kBf16Error);
}

// Less than a warp's vector, exactly one, and some; rows that fill no block.
INSTANTIATE_TEST_SUITE_P(Sizes, NormsTest,
                         ::testing::Values(Extent{1, 8}, Extent{5, 72}, Extent{4, 256},
                                           Extent{9, 264}, Extent{2, 1536}, Extent{3, 3072}),
                         [](const auto& test) {
                           return std::to_string(test.param.rows) + "x" +
                                  std::to_string(test.param.cols);
                         });

class NormsOfNothingTest : public DeviceTest {};

TEST_F(NormsOfNothingTest, NoRowsIsNoWork) {
  const ConstBf16Rows none{nullptr, 0, 8, 8};
  layer_norm(nullptr, none, nullptr, nullptr, {nullptr, 0, 8, 8});
  modulated_norm(nullptr, none, nullptr, nullptr, {nullptr, 0, 8, 8});
  rms_norm(nullptr, {nullptr, 0, 8, 8}, nullptr);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

}  // namespace
}  // namespace regroup::cuda
