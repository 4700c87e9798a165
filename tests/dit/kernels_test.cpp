#include "runtime/dit/kernels.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/random.hpp"
#include "reference.hpp"

namespace regroup::dit {
namespace {

Matrix random_matrix(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  RandomStream random(seed, "kernels_test");
  Matrix matrix(rows, cols);
  for (float& value : matrix.values) value = static_cast<float>(random.normal());
  return matrix;
}

TEST(Panels, MultiplyAsOneNumberAtATime) {
  for (const std::size_t width : {1, 7, 8, 9, 24}) {
    const Matrix x = random_matrix(6, 13, width), weight = random_matrix(width, 13, 2);
    const Matrix start = random_matrix(1, width, 3);
    Matrix y(6, width);
    Panels::from_columns(weight.view()).multiply(x.view(), start.values, y.view());
    reference::Table expected(6, reference::Vector(width));
    for (std::size_t r = 0; r < 6; ++r)
      for (std::size_t c = 0; c < width; ++c) {
        expected[r][c] = start.values[c];
        for (std::size_t k = 0; k < 13; ++k)
          expected[r][c] += double{x.row(r)[k]} * weight.row(c)[k];
      }
    EXPECT_LT(reference::error(y, expected), 1e-6) << width;
  }
}

TEST(Panels, RowsAndColumnsAreTransposes) {
  const Matrix m = random_matrix(5, 11, 1), x = random_matrix(3, 5, 2);
  Matrix transposed(11, 5);
  for (std::size_t r = 0; r < 5; ++r)
    for (std::size_t c = 0; c < 11; ++c) transposed.row(c)[r] = m.row(r)[c];
  Matrix a(3, 11), b(3, 11);
  Panels::from_rows(m.view()).multiply(x.view(), {}, a.view());
  Panels::from_columns(transposed.view()).multiply(x.view(), {}, b.view());
  EXPECT_EQ(a, b);
}

// What sequence parallelism rests on: a row's numbers do not depend on its neighbours.
TEST(Kernels, EveryRowIsItsOwn) {
  const Matrix x = random_matrix(23, 19, 1), weight = random_matrix(21, 19, 2);
  const Matrix gain = random_matrix(1, 21, 3), keys = random_matrix(37, 21, 4);
  const Matrix values = random_matrix(37, 21, 5);
  const Panels panels = Panels::from_columns(weight.view());
  const auto work = [&](std::size_t first, std::size_t count) {
    Matrix y(count, 21), out(count, 21);
    panels.multiply(x.view().slice(first, count), gain.values, y.view());
    layer_norm(y.view(), gain.values, gain.values, y.view());
    rms_norm(y.view(), gain.values);
    gelu_tanh(y.view());
    silu(y.view());
    attend(y.view(), keys.view(), values.view(), out.view());
    return out;
  };
  const Matrix all = work(0, 23);
  for (std::size_t count = 1; count <= 9; ++count)
    for (std::size_t first = 0; first + count <= 23; ++first) {
      const Matrix some = work(first, count);
      for (std::size_t r = 0; r < count; ++r)
        for (std::size_t c = 0; c < 21; ++c)
          ASSERT_EQ(some.row(r)[c], all.row(first + r)[c]) << first << " " << count;
    }
}

TEST(Kernels, NormsAgainstReference) {
  const Matrix x = random_matrix(4, 19, 1), gain = random_matrix(1, 19, 2);
  const Matrix offset = random_matrix(1, 19, 3);
  Matrix layer(4, 19), rms = x;
  layer_norm(x.view(), gain.values, offset.values, layer.view());
  rms_norm(rms.view(), gain.values);
  const reference::Vector g = reference::table(gain)[0], o = reference::table(offset)[0];
  reference::Table expected_layer, expected_rms;
  for (const reference::Vector& row : reference::table(x)) {
    expected_layer.push_back(reference::layer_norm(row, g, o));
    expected_rms.push_back(reference::rms_norm(row, g));
  }
  EXPECT_LT(reference::error(layer, expected_layer), 1e-6);
  EXPECT_LT(reference::error(rms, expected_rms), 1e-6);
}

TEST(Kernels, KnownAnswers) {
  Matrix x(1, 4);
  x.values = {1, 2, 3, 4};
  const std::vector<float> one(4, 1), zero(4, 0);
  Matrix normed(1, 4);
  layer_norm(x.view(), one, zero, normed.view());
  EXPECT_NEAR(normed.values[0], -1.3416408, 1e-5);  // -1.5 / sqrt(1.25)
  EXPECT_NEAR(normed.values[3], 1.3416408, 1e-5);
  rms_norm(x.view(), one);
  EXPECT_NEAR(x.values[0], 0.3651484, 1e-6);  // 1 / sqrt(7.5)

  Matrix y(1, 5);
  y.values = {-100, -1, 0, 1, 100};
  Matrix gelu = y, sigmoid = y;
  gelu_tanh(gelu.view());
  silu(sigmoid.view());
  EXPECT_NEAR(gelu.values[1], -0.1588080, 1e-6);
  EXPECT_NEAR(gelu.values[3], 0.8411920, 1e-6);
  EXPECT_NEAR(sigmoid.values[1], -0.2689414, 1e-6);
  EXPECT_NEAR(sigmoid.values[3], 0.7310586, 1e-6);
  for (const Matrix& m : {gelu, sigmoid}) {
    EXPECT_NEAR(m.values[0], 0, 1e-6);
    EXPECT_EQ(m.values[2], 0);
    EXPECT_NEAR(m.values[4], 100, 1e-5);
  }
}

TEST(Attend, AgainstReference) {
  for (const std::size_t keys : {1, 5, 8, 50}) {
    const Matrix q = random_matrix(11, 6, 1), k = random_matrix(keys, 6, 2);
    const Matrix v = random_matrix(keys, 6, 3);
    Matrix out(11, 6);
    attend(q.view(), k.view(), v.view(), out.view());
    const auto expected =
        reference::attend(reference::table(q), reference::table(k), reference::table(v));
    EXPECT_LT(reference::error(out, expected), 1e-6) << keys;
  }
}

// Scores of a thousand must not overflow: the largest is taken off first.
TEST(Attend, LargeScoresPickTheLargest) {
  Matrix q(1, 2), k(3, 2), v(3, 1), out(1, 1);
  q.values = {1000, 0};
  k.values = {1, 0, 2, 0, -3, 0};
  v.values = {5, 7, 9};
  attend(q.view(), k.view(), v.view(), out.view());
  EXPECT_EQ(out.values[0], 7);
}

TEST(AddGated, GateOfEachColumn) {
  Matrix x(2, 2), y(2, 2);
  x.values = {1, 2, 3, 4};
  y.values = {10, 10, 20, 20};
  add_gated(x.view(), std::vector<float>{0.5f, -1}, y.view());
  EXPECT_EQ(x.values, (std::vector<float>{6, -8, 13, -16}));
  add_gated(x.view(), {}, y.view());
  EXPECT_EQ(x.values, (std::vector<float>{16, 2, 33, 4}));
}

}  // namespace
}  // namespace regroup::dit
