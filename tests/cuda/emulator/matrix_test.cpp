// Tensor cores and copies in the background, against plain products.
#include <gtest/gtest.h>

#include <random>

#include "runtime/cuda/portable/device_code.hpp"
#include "runtime/cuda/portable/launch.hpp"
#include "tests/cuda/emulator/device_array.hpp"

namespace regroup::cuda {
namespace {

// Whole numbers whose products and sums are exact in float.
std::vector<Bf16> small_numbers(int count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> number(-8, 8);
  std::vector<Bf16> result;
  for (int i = 0; i < count; ++i) result.push_back(to_bf16(static_cast<float>(number(random))));
  return result;
}

// a: [m][k], b: [k][n], both row by row.
std::vector<float> product(const std::vector<Bf16>& a, const std::vector<Bf16>& b, int m, int n,
                           int k) {
  std::vector<float> result(m * n);
  for (int row = 0; row < m; ++row)
    for (int column = 0; column < n; ++column)
      for (int i = 0; i < k; ++i)
        result[row * n + column] += to_float(a[row * k + i]) * to_float(b[i * n + column]);
  return result;
}

__device__ std::uint32_t pair(Bf16 first, Bf16 second) {
  return std::uint32_t{second.bits} << 16 | first.bits;
}

__device__ void store_fragment(const float (&d)[4], float* to, int columns) {
  const int g = lane_id() / 4, t = lane_id() % 4;
  for (int i = 0; i < 4; ++i) to[(g + i / 2 * 8) * columns + 2 * t + i % 2] = d[i];
}

// Fragments gathered number by number, as the PTX ISA draws them.
RG_KERNEL void multiply_gathered(const Bf16* a, const Bf16* b, float* d) {
  const int g = lane_id() / 4, t = lane_id() % 4;
  const auto a_pair = [a](int row, int column) {
    return pair(a[row * 16 + column], a[row * 16 + column + 1]);
  };
  const auto b_pair = [b, g](int row) { return pair(b[row * 8 + g], b[(row + 1) * 8 + g]); };
  const std::uint32_t a_fragment[4] = {a_pair(g, 2 * t), a_pair(g + 8, 2 * t), a_pair(g, 2 * t + 8),
                                       a_pair(g + 8, 2 * t + 8)};
  const std::uint32_t b_fragment[2] = {b_pair(2 * t), b_pair(2 * t + 8)};
  float sums[4] = {};
  mma_m16n8k16(sums, a_fragment, b_fragment);
  mma_m16n8k16(sums, a_fragment, b_fragment);
  store_fragment(sums, d, 8);
}

TEST(Matrix, MultipliesGatheredFragments) {
  const std::vector<Bf16> a = small_numbers(16 * 16, 1), b = small_numbers(16 * 8, 2);
  const DeviceArray<Bf16> from_a(a), from_b(b);
  const DeviceArray<float> d(16 * 8);
  launch(multiply_gathered, {dim3(1), dim3(kWarp)}, nullptr, from_a.get(), from_b.get(), d.get());
  std::vector<float> expected = product(a, b, 16, 8, 16);
  for (float& number : expected) number *= 2;  // added twice
  EXPECT_EQ(d.values(), expected);
}

// Both matrices pass through shared memory: b as [k][n] by transposed loads, or as [n][k] by plain
// ones; of 8 columns by two matrices, of 16 by four.
template <bool kTransposed, int kColumns>
RG_KERNEL void multiply_loaded(const Bf16* a, const Bf16* b, float* d) {
  RG_DYNAMIC_SHARED(Bf16, a_shared);
  Bf16* const b_shared = a_shared + 16 * 16;
  const int lane = lane_id();
  for (int i = lane; i < 16 * 16 / 8; i += kWarp) async_copy16(a_shared + i * 8, a + i * 8);
  for (int i = lane; i < 16 * kColumns / 8; i += kWarp) async_copy16(b_shared + i * 8, b + i * 8);
  async_commit();
  async_wait<0>();
  block_sync();

  std::uint32_t a_fragment[4];
  load_matrix_x4(a_fragment, a_shared + lane % 16 * 16 + lane / 16 * 8);
  std::uint32_t b_fragments[kColumns / 8][2];
  if constexpr (kColumns == 8) {
    if constexpr (kTransposed)
      load_matrix_x2_transposed(b_fragments[0], b_shared + lane % 16 * 8);
    else
      load_matrix_x2(b_fragments[0], b_shared + lane % 8 * 16 + lane / 8 % 2 * 8);
  } else {
    std::uint32_t both[4];
    if constexpr (kTransposed)
      load_matrix_x4_transposed(both, b_shared + lane % 16 * 16 + lane / 16 * 8);
    else
      load_matrix_x4(both, b_shared + (lane / 16 * 8 + lane % 8) * 16 + lane / 8 % 2 * 8);
    for (int i = 0; i < 4; ++i) b_fragments[i / 2][i % 2] = both[i];
  }
  for (int i = 0; i < kColumns / 8; ++i) {
    float sums[4] = {};
    mma_m16n8k16(sums, a_fragment, b_fragments[i]);
    store_fragment(sums, d + i * 8, kColumns);
  }
}

template <bool kTransposed, int kColumns>
void expect_product() {
  const std::vector<Bf16> a = small_numbers(16 * 16, 3), b = small_numbers(16 * kColumns, 4);
  std::vector<Bf16> given = b;
  if (!kTransposed)
    for (int row = 0; row < 16; ++row)
      for (int column = 0; column < kColumns; ++column)
        given[column * 16 + row] = b[row * kColumns + column];
  const DeviceArray<Bf16> from_a(a), from_b(given);
  const DeviceArray<float> d(16 * kColumns);
  launch(multiply_loaded<kTransposed, kColumns>, {dim3(1), dim3(kWarp), 1024}, nullptr,
         from_a.get(), from_b.get(), d.get());
  EXPECT_EQ(d.values(), product(a, b, 16, kColumns, 16));
}

TEST(Matrix, LoadsTwoMatrices) { expect_product<false, 8>(); }
TEST(Matrix, LoadsTwoMatricesTransposed) { expect_product<true, 8>(); }
TEST(Matrix, LoadsFourMatrices) { expect_product<false, 16>(); }
TEST(Matrix, LoadsFourMatricesTransposed) { expect_product<true, 16>(); }

// ---- Copies in the background -------------------------------------------------------------------

struct Seen {
  int before, first, second, beyond;
};

RG_KERNEL void copy_twice(const int4* from, Seen* seen) {
  RG_DYNAMIC_SHARED(int4, to);
  to[0].x = 7;
  async_copy16(&to[0], &from[0]);
  async_commit();
  async_copy16(&to[1], &from[1]);
  async_copy16(&to[2], &from[0], false);
  async_commit();
  seen->before = to[0].x;
  async_wait<1>();
  seen->first = to[0].x;
  async_wait<0>();
  seen->second = to[1].x;
  seen->beyond = to[2].x;
}

TEST(AsyncCopy, IsThereAfterTheWaitAndNotBefore) {
  const DeviceArray<int4> from(std::vector<int4>{{11, 0, 0, 0}, {12, 0, 0, 0}});
  const DeviceArray<Seen> seen(1);
  launch(copy_twice, {dim3(1), dim3(1), 3 * sizeof(int4)}, nullptr, from.get(), seen.get());
  const Seen result = seen.values().front();
  EXPECT_EQ(result.before, -1) << "poisoned: neither what was there nor what comes";
  EXPECT_EQ(result.first, 11);
  EXPECT_EQ(result.second, 12);
  EXPECT_EQ(result.beyond, 0);
}

RG_KERNEL void read_too_early(const int4* from, Seen* seen) {
  RG_DYNAMIC_SHARED(int4, to);
  async_copy16(&to[0], &from[0]);
  async_commit();
  async_wait<1>();  // one too few
  seen->first = to[0].x;
}

TEST(AsyncCopy, ShowsAWaitThatIsTooShort) {
  const DeviceArray<int4> from(std::vector<int4>{{11, 0, 0, 0}});
  const DeviceArray<Seen> seen(1);
  launch(read_too_early, {dim3(1), dim3(1), sizeof(int4)}, nullptr, from.get(), seen.get());
  EXPECT_EQ(seen.values().front().first, -1);
}

}  // namespace
}  // namespace regroup::cuda
