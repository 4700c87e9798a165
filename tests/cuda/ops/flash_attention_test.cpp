// Our attention kernel against softmax in double precision, at sizes that fill no tile.
#include "runtime/cuda/ops/flash_attention.hpp"

#include <algorithm>
#include <ostream>
#include <random>

#include "tests/cuda/ops/device_test.hpp"

namespace regroup::cuda {
namespace {

using Numbers = std::vector<Bf16>;

Numbers normal_numbers(std::int64_t count, unsigned seed, float deviation = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  Numbers result;
  for (std::int64_t i = 0; i < count; ++i) result.push_back(to_bf16(normal(random)));
  return result;
}

DeviceBuffer to_device(const Numbers& numbers) { return on_device(std::span<const Bf16>(numbers)); }

// NaN, where nothing is written.
DeviceBuffer poison_for(std::int64_t rows, std::int64_t row) {
  return to_device(Numbers(static_cast<std::size_t>(rows * row), Bf16{0xffff}));
}

// Once all that was enqueued is done.
Numbers from_device(const DeviceBuffer& buffer) {
  check(cudaDeviceSynchronize(), "waiting");
  Numbers numbers(buffer.bytes() / sizeof(Bf16));
  check(cudaMemcpy(numbers.data(), buffer.data(), buffer.bytes(), cudaMemcpyDefault), "copying");
  return numbers;
}

struct Inputs {
  Numbers q, k, v;
};

Inputs inputs_of(const AttentionShape& s, float deviation = 1) {
  return {normal_numbers(s.queries * s.q_row, 1, deviation),
          normal_numbers(s.keys * s.k_row, 2, deviation), normal_numbers(s.keys * s.v_row, 3)};
}

Numbers attend(const AttentionShape& s, const Inputs& inputs) {
  const DeviceBuffer q = to_device(inputs.q), k = to_device(inputs.k), v = to_device(inputs.v);
  const DeviceBuffer o = poison_for(s.queries, s.o_row);
  flash_attention(nullptr, s, q.as<Bf16>(), k.as<Bf16>(), v.as<Bf16>(), o.as<Bf16>());
  return from_device(o);
}

double at(const Numbers& numbers, std::int64_t index) {
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

// Relative, as roots of squares, over all rows; NaN if a number was left out.
double error_of(const AttentionShape& s, const Inputs& inputs, const Numbers& o) {
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
  return std::sqrt(errors / squares);
}

// Probabilities are bf16, and results.
constexpr double kTolerance = 2 * kBf16Error;

struct Size {
  int heads, head_dim;
  std::int64_t queries, keys;
  friend std::ostream& operator<<(std::ostream& out, const Size& s) {
    return out << s.heads << "x" << s.head_dim << "_q" << s.queries << "_k" << s.keys;
  }
};

class FlashAttentionSizes : public DeviceTest, public ::testing::WithParamInterface<Size> {};

TEST_P(FlashAttentionSizes, AgreeWithDoublePrecision) {
  const auto [heads, head_dim, queries, keys] = GetParam();
  const AttentionShape shape = packed_attention(heads, head_dim, queries, keys);
  ASSERT_TRUE(flash_attention_supports(shape));
  const Inputs inputs = inputs_of(shape);
  EXPECT_LT(error_of(shape, inputs, attend(shape, inputs)), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(, FlashAttentionSizes,
                         ::testing::Values(Size{1, 64, 1, 1}, Size{2, 64, 64, 64},
                                           Size{3, 64, 65, 130}, Size{1, 64, 17, 63},
                                           Size{2, 128, 64, 128}, Size{1, 128, 63, 65},
                                           Size{2, 128, 100, 77}, Size{1, 128, 3, 191},
                                           Size{3, 128, 129, 1}),
                         ::testing::PrintToStringParamName());

class FlashAttention : public DeviceTest {};

// Scores of some hundreds: without the running maximum, sums would overflow or vanish.
TEST_F(FlashAttention, TakesLargeScores) {
  const AttentionShape shape = packed_attention(1, 64, 20, 150);
  const Inputs inputs = inputs_of(shape, 8);
  EXPECT_LT(error_of(shape, inputs, attend(shape, inputs)), kTolerance);
}

// Every tile scores higher than the one before, or lower.
TEST_F(FlashAttention, TakesScoresThatRiseOrFall) {
  for (const float direction : {-1.0f, 1.0f}) {
    const AttentionShape shape = packed_attention(1, 64, 16, 200);
    Inputs inputs = inputs_of(shape);
    std::fill(inputs.q.begin(), inputs.q.end(), to_bf16(1));
    for (std::size_t i = 0; i < inputs.k.size(); ++i)
      inputs.k[i] = to_bf16(direction * static_cast<float>(i / 64) / 8);
    EXPECT_LT(error_of(shape, inputs, attend(shape, inputs)), kTolerance) << direction;
  }
}

// Queries, keys and values as one product leaves them, [tokens][3][heads][head_dim]; o with gaps
// between the heads, which are not written.
TEST_F(FlashAttention, ReadsAndWritesStridedRows) {
  constexpr int kHeads = 2, kDim = 64, kWidth = kHeads * kDim, kTokens = 70, kGap = 8;
  AttentionShape shape = packed_attention(kHeads, kDim, kTokens, kTokens);
  shape.q_row = shape.k_row = shape.v_row = 3 * kWidth;
  shape.o_head = kDim + kGap;
  shape.o_row = kHeads * shape.o_head;
  const Numbers all = normal_numbers(kTokens * shape.q_row, 4);
  const DeviceBuffer qkv = to_device(all), to = poison_for(kTokens, shape.o_row);
  const Bf16* const q = qkv.as<Bf16>();
  flash_attention(nullptr, shape, q, q + kWidth, q + 2 * kWidth, to.as<Bf16>());
  const Numbers o = from_device(to);

  const Inputs inputs{
      all, {all.begin() + kWidth, all.end()}, {all.begin() + 2 * kWidth, all.end()}};
  EXPECT_LT(error_of(shape, inputs, o), kTolerance);
  for (std::size_t i = 0; i < o.size(); ++i)
    EXPECT_EQ(std::isnan(to_float(o[i])), i % (kDim + kGap) >= kDim) << i;
}

// What lets ranks split heads and tokens without changing a bit.
TEST_F(FlashAttention, RowIsTheSameHoweverTheRestIsSplit) {
  const AttentionShape whole = packed_attention(3, 128, 90, 100);
  const Inputs inputs = inputs_of(whole);
  const Numbers expected = attend(whole, inputs);

  AttentionShape part = whole;  // the last head, of the tokens from 37 on
  part.heads = 1;
  part.queries = 53;
  const std::int64_t head = 2 * whole.q_head, from = 37 * whole.q_row + head;
  const DeviceBuffer q = to_device(inputs.q), k = to_device(inputs.k), v = to_device(inputs.v);
  const DeviceBuffer o = poison_for(whole.queries, whole.o_row);
  flash_attention(nullptr, part, q.as<Bf16>() + from, k.as<Bf16>() + head, v.as<Bf16>() + head,
                  o.as<Bf16>() + from);
  const Numbers seen = from_device(o);
  for (std::int64_t token = 37; token < 90; ++token)
    for (int d = 0; d < 128; ++d) {
      const auto i = static_cast<std::size_t>(token * whole.o_row + head + d);
      ASSERT_EQ(seen[i].bits, expected[i].bits) << "token " << token << ", element " << d;
    }
}

TEST_F(FlashAttention, NoQueriesAreNoWork) {
  flash_attention(nullptr, packed_attention(2, 64, 0, 8), nullptr, nullptr, nullptr, nullptr);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

TEST(FlashAttentionSupport, IsForTwoHeadSizes) {
  for (const int head_dim : {8, 32, 64, 72, 96, 128, 256})
    EXPECT_EQ(flash_attention_supports(packed_attention(1, head_dim, 8, 8)),
              head_dim == 64 || head_dim == 128)
        << head_dim;
}

}  // namespace
}  // namespace regroup::cuda
