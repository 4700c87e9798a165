// Our attention kernel against softmax in double precision, at sizes that fill no tile.
#include "runtime/cuda/ops/flash_attention.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

class DeviceNumbers {
 public:
  explicit DeviceNumbers(const std::vector<Bf16>& numbers) : size_(numbers.size()) {
    check(cudaMalloc(&data_, size_ * sizeof(Bf16)), "allocating");
    check(cudaMemcpy(data_, numbers.data(), size_ * sizeof(Bf16), cudaMemcpyDefault), "copying");
  }
  ~DeviceNumbers() { cudaFree(data_); }
  DeviceNumbers(const DeviceNumbers&) = delete;
  DeviceNumbers& operator=(const DeviceNumbers&) = delete;

  Bf16* get() const { return data_; }
  std::vector<Bf16> numbers() const {
    check(cudaDeviceSynchronize(), "waiting");
    std::vector<Bf16> result(size_);
    check(cudaMemcpy(result.data(), data_, size_ * sizeof(Bf16), cudaMemcpyDefault), "copying");
    return result;
  }

 private:
  std::size_t size_;
  Bf16* data_ = nullptr;
};

std::vector<Bf16> normal_numbers(std::int64_t count, unsigned seed, float deviation = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<Bf16> result;
  for (std::int64_t i = 0; i < count; ++i) result.push_back(to_bf16(normal(random)));
  return result;
}

struct Inputs {
  std::vector<Bf16> q, k, v;
};

std::size_t elements(std::int64_t rows, std::int64_t row) {
  return static_cast<std::size_t>(rows * row);
}

// Numbers for all of the views of `s`, whatever lies between the heads.
Inputs inputs_of(const AttentionShape& s, float deviation = 1) {
  return {normal_numbers(s.queries * s.q_row, 1, deviation),
          normal_numbers(s.keys * s.k_row, 2, deviation), normal_numbers(s.keys * s.v_row, 3)};
}

// Of memory that was poisoned before, where `from` views what a kernel never writes.
std::vector<Bf16> attend(const AttentionShape& s, const Inputs& inputs) {
  const DeviceNumbers q(inputs.q), k(inputs.k), v(inputs.v);
  const DeviceNumbers o(std::vector<Bf16>(elements(s.queries, s.o_row), Bf16{0xffff}));
  flash_attention(nullptr, s, q.get(), k.get(), v.get(), o.get());
  return o.numbers();
}

double at(const std::vector<Bf16>& numbers, std::int64_t index) {
  return to_float(numbers[static_cast<std::size_t>(index)]);
}

// One row of one head.
std::vector<double> reference(const AttentionShape& s, const Inputs& in, int head,
                              std::int64_t query) {
  std::vector<double> scores;
  for (std::int64_t key = 0; key < s.keys; ++key) {
    double score = 0;
    for (int d = 0; d < s.head_dim; ++d)
      score += at(in.q, query * s.q_row + head * s.q_head + d) *
               at(in.k, key * s.k_row + head * s.k_head + d);
    scores.push_back(score * static_cast<double>(s.scale));
  }
  const double largest = *std::max_element(scores.begin(), scores.end());
  double total = 0;
  std::vector<double> sums(static_cast<std::size_t>(s.head_dim));
  for (std::int64_t key = 0; key < s.keys; ++key) {
    const double weight = std::exp(scores[static_cast<std::size_t>(key)] - largest);
    total += weight;
    for (int d = 0; d < s.head_dim; ++d)
      sums[static_cast<std::size_t>(d)] += weight * at(in.v, key * s.v_row + head * s.v_head + d);
  }
  for (double& sum : sums) sum /= total;
  return sums;
}

// The relative error, as a root of squares, of all rows; every number must be there.
double error_of(const AttentionShape& s, const Inputs& inputs, const std::vector<Bf16>& o) {
  double squares = 0, errors = 0;
  for (int head = 0; head < s.heads; ++head)
    for (std::int64_t query = 0; query < s.queries; ++query) {
      const std::vector<double> expected = reference(s, inputs, head, query);
      for (int d = 0; d < s.head_dim; ++d) {
        const double wanted = expected[static_cast<std::size_t>(d)];
        const double error = at(o, query * s.o_row + head * s.o_head + d) - wanted;
        squares += wanted * wanted;
        errors += error * error;
      }
    }
  return std::sqrt(errors / squares);  // NaN if a number was left out
}

// bf16 keeps eight bits: probabilities and results are each off by up to 2^-9, mostly by less.
constexpr double kTolerance = 4e-3;

struct Size {
  int heads, head_dim;
  std::int64_t queries, keys;
};
class FlashAttention : public testing::TestWithParam<Size> {};

TEST_P(FlashAttention, AgreesWithDoublePrecision) {
  const auto [heads, head_dim, queries, keys] = GetParam();
  const AttentionShape shape = packed_attention(heads, head_dim, queries, keys);
  ASSERT_TRUE(flash_attention_supports(shape));
  const Inputs inputs = inputs_of(shape);
  EXPECT_LT(error_of(shape, inputs, attend(shape, inputs)), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Sizes, FlashAttention,
                         testing::Values(Size{1, 64, 1, 1}, Size{2, 64, 64, 64},
                                         Size{3, 64, 65, 130}, Size{1, 64, 17, 63},
                                         Size{2, 128, 64, 128}, Size{1, 128, 63, 65},
                                         Size{2, 128, 100, 77}, Size{1, 128, 3, 191},
                                         Size{3, 128, 129, 1}),
                         [](const auto& test) {
                           const Size& s = test.param;
                           return std::to_string(s.heads) + "x" + std::to_string(s.head_dim) +
                                  "_q" + std::to_string(s.queries) + "_k" + std::to_string(s.keys);
                         });

// Scores of some hundreds: without the running maximum, sums would overflow or vanish.
TEST(FlashAttentionRange, TakesLargeScores) {
  const AttentionShape shape = packed_attention(1, 64, 20, 150);
  const Inputs inputs = inputs_of(shape, 8);
  EXPECT_LT(error_of(shape, inputs, attend(shape, inputs)), kTolerance);
}

// Every key scores lower than those of the tile before, and the other way round.
TEST(FlashAttentionRange, TakesScoresThatRiseOrFall) {
  for (const float direction : {-1.0f, 1.0f}) {
    const AttentionShape shape = packed_attention(1, 64, 16, 200);
    Inputs inputs = inputs_of(shape);
    std::fill(inputs.q.begin(), inputs.q.end(), to_bf16(1));
    for (std::int64_t key = 0; key < shape.keys; ++key)
      for (int d = 0; d < 64; ++d)
        inputs.k[static_cast<std::size_t>(key * 64 + d)] =
            to_bf16(direction * static_cast<float>(key) / 8);
    EXPECT_LT(error_of(shape, inputs, attend(shape, inputs)), kTolerance) << direction;
  }
}

// Queries, keys and values as one product leaves them, [tokens][3][heads][head_dim], and o within
// wider rows, of which nothing else is written.
TEST(FlashAttentionViews, ReadsAndWritesStridedRows) {
  constexpr int kHeads = 2, kDim = 64, kTokens = 70, kGap = 8;
  AttentionShape shape = packed_attention(kHeads, kDim, kTokens, kTokens);
  shape.q_row = shape.k_row = shape.v_row = 3 * kHeads * kDim;
  shape.o_head = kDim + kGap;
  shape.o_row = kHeads * shape.o_head;
  const std::vector<Bf16> all = normal_numbers(kTokens * shape.q_row, 4);
  const DeviceNumbers qkv(all);
  const DeviceNumbers to(std::vector<Bf16>(elements(kTokens, shape.o_row), Bf16{0xffff}));
  flash_attention(nullptr, shape, qkv.get(), qkv.get() + kHeads * kDim,
                  qkv.get() + 2 * kHeads * kDim, to.get());
  const std::vector<Bf16> o = to.numbers();

  const Inputs inputs{
      all, {all.begin() + kHeads * kDim, all.end()}, {all.begin() + 2 * kHeads * kDim, all.end()}};
  EXPECT_LT(error_of(shape, inputs, o), kTolerance);
  for (std::int64_t token = 0; token < kTokens; ++token)
    for (int head = 0; head < kHeads; ++head)
      for (int i = 0; i < kGap; ++i)
        EXPECT_EQ(
            o[static_cast<std::size_t>(token * shape.o_row + head * shape.o_head + kDim + i)].bits,
            0xffff);
}

// What lets ranks split heads and tokens without changing a bit.
TEST(FlashAttentionViews, RowIsTheSameHoweverTheRestIsSplit) {
  const AttentionShape whole = packed_attention(3, 128, 90, 100);
  const Inputs inputs = inputs_of(whole);
  const std::vector<Bf16> expected = attend(whole, inputs);

  AttentionShape part = whole;  // the last head, of the tokens from 37 on
  part.heads = 1;
  part.queries = 53;
  const DeviceNumbers q(inputs.q), k(inputs.k), v(inputs.v);
  const DeviceNumbers o(std::vector<Bf16>(expected.size(), Bf16{0xffff}));
  const std::int64_t head = 2 * whole.q_head, from = 37 * whole.q_row + head;
  flash_attention(nullptr, part, q.get() + from, k.get() + head, v.get() + head, o.get() + from);
  const std::vector<Bf16> seen = o.numbers();
  for (std::int64_t token = 37; token < 90; ++token)
    for (int d = 0; d < 128; ++d) {
      const auto i = static_cast<std::size_t>(token * whole.o_row + head + d);
      ASSERT_EQ(seen[i].bits, expected[i].bits) << "token " << token << ", element " << d;
    }
}

TEST(FlashAttentionSupport, IsForTwoHeadSizes) {
  for (const int head_dim : {8, 32, 64, 72, 96, 128, 256})
    EXPECT_EQ(flash_attention_supports(packed_attention(1, head_dim, 8, 8)),
              head_dim == 64 || head_dim == 128)
        << head_dim;
}

TEST(FlashAttentionSupport, NoQueriesAreNoWork) {
  flash_attention(nullptr, packed_attention(2, 64, 0, 8), nullptr, nullptr, nullptr, nullptr);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

}  // namespace
}  // namespace regroup::cuda
