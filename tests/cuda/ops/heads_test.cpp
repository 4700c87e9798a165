// Queries and keys normed and turned, values copied, against the CPU's norms and rope.
#include "core/errors.hpp"
#include "device_test.hpp"
#include "runtime/cuda/ops/kernels.hpp"
#include "runtime/dit/kernels.hpp"
#include "runtime/dit/rope.hpp"

namespace regroup::cuda {
namespace {

using dit::Matrix;

struct Case {
  const char* name;
  int heads;
  std::array<std::size_t, 3> axes;
  HeadNorm norm;
};
class SplitHeadsTest : public DeviceTest, public ::testing::WithParamInterface<Case> {
 protected:
  static constexpr std::size_t kFrames = 2, kRows = 3, kColumns = 5, kText = 3, kTokens = 17;
  static constexpr std::int32_t kFirstLatent = 11;

  const std::size_t heads = static_cast<std::size_t>(GetParam().heads);
  const std::size_t head_dim = GetParam().axes[0] + GetParam().axes[1] + GetParam().axes[2];
  const std::size_t cols = heads * head_dim;
  const Matrix projected = random_matrix(kText + kTokens, 3 * cols, 1);
  const std::size_t gain_size = GetParam().norm == HeadNorm::kEachHead ? head_dim : cols;
  const Matrix query_gain = random_matrix(1, gain_size, 2, 1);
  const Matrix key_gain = random_matrix(1, gain_size, 3, 1);

  // [rows][heads * head_dim] of tensor 0 or 1.
  Matrix normed_and_turned(std::size_t tensor, const Matrix& gain) const {
    Matrix result(projected.rows, cols);
    dit::Rows rows = result.view();
    for (std::size_t r = 0; r < projected.rows; ++r)
      std::copy_n(projected.row(r).data() + tensor * cols, cols, rows[r]);
    for (std::size_t c = 0; c < cols; c += gain_size)
      dit::rms_norm(rows.columns(c, gain_size), gain.values);

    dit::DitConfig config;
    config.hidden = cols, config.heads = heads, config.rope_axes = GetParam().axes;
    config.text_tokens = kText;
    const dit::LatentShape shape{1, kFrames, kRows, kColumns, 1};
    const dit::RopeTable rope(config, shape, {kText + kFirstLatent, kTokens});
    std::vector<float> head(head_dim);
    for (std::size_t i = 0; i < kTokens; ++i)
      for (std::size_t c = 0; c < cols; c += head_dim) {
        std::copy_n(rows[kText + i] + c, head_dim, head.begin());
        rope.turn(i, head.data(), rows[kText + i] + c);
      }
    return result;
  }
};

TEST_P(SplitHeadsTest, AsOnTheCpu) {
  const auto& axes = GetParam().axes;
  const DeviceMatrix<Bf16> input(projected, 16), query(query_gain), key(key_gain);
  const TokenGrid grid{
      kFrames,
      kRows,
      kColumns,
      {static_cast<int>(axes[0]), static_cast<int>(axes[1]), static_cast<int>(axes[2])}};
  const DeviceBuffer angles = on_device(std::span<const float>(rope_angles(grid)));
  const DeviceBuffer first = on_device(kFirstLatent);
  HeadInputs in;
  in.projected = input.view();
  in.query_gain = query.data();
  in.key_gain = key.data();
  in.norm = GetParam().norm;
  in.heads = static_cast<int>(heads);
  in.head_dim = static_cast<int>(head_dim);
  in.rope = {grid, angles.as<float>()};
  in.first_latent = first.as<std::int32_t>();
  in.text_rows = kText;

  // Tensors lie two rows further apart than they are long: those rows stay as they are.
  const std::size_t rows = projected.rows, plane_rows = rows + 2;
  const DeviceMatrix<Bf16> out(3 * plane_rows, cols);
  split_heads(nullptr, in, out.data(), static_cast<std::int64_t>(plane_rows * cols));

  const Matrix all = out.values();
  const auto tensor = [&](std::size_t i) {
    Matrix result(rows, cols);
    std::copy_n(all.row(i * plane_rows).data(), rows * cols, result.values.begin());
    for (std::size_t r = rows; r < plane_rows; ++r)
      for (const float untouched : all.row(i * plane_rows + r)) EXPECT_TRUE(std::isnan(untouched));
    return result;
  };
  EXPECT_LT(relative_error(tensor(0), normed_and_turned(0, query_gain)), kBf16Error);
  EXPECT_LT(relative_error(tensor(1), normed_and_turned(1, key_gain)), kBf16Error);
  const Matrix values = tensor(2);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < cols; ++c)
      ASSERT_EQ(values.row(r)[c], projected.row(r)[2 * cols + c]);
}

INSTANTIATE_TEST_SUITE_P(Heads, SplitHeadsTest,
                         ::testing::Values(Case{"Flux", 3, {16, 56, 56}, HeadNorm::kEachHead},
                                           Case{"Wan", 3, {44, 42, 42}, HeadNorm::kAllHeads},
                                           Case{"Small", 5, {8, 16, 8}, HeadNorm::kEachHead},
                                           Case{"SmallOverAll", 5, {4, 2, 2}, HeadNorm::kAllHeads},
                                           Case{"Tiny", 24, {4, 2, 2}, HeadNorm::kEachHead},
                                           Case{"Widest", 1, {64, 96, 96}, HeadNorm::kEachHead}),
                         [](const auto& test) { return test.param.name; });

class HeadSizeTest : public DeviceTest {};

TEST_F(HeadSizeTest, OthersAreRefused) {
  for (const int head_dim : {0, 7, 24, 96, 512}) {
    HeadInputs in;
    in.head_dim = head_dim;
    EXPECT_THROW(split_heads(nullptr, in, nullptr, 0), ConfigError) << head_dim;
  }
}

}  // namespace
}  // namespace regroup::cuda
