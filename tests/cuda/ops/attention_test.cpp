// What own attention adds to its kernel, and the kernel against the CPU's transformer.
#include "runtime/cuda/ops/attention.hpp"

#include "core/errors.hpp"
#include "device_test.hpp"
#include "runtime/dit/kernels.hpp"

namespace regroup::cuda {
namespace {

using dit::Matrix;

class AttentionTest : public DeviceTest {
 protected:
  const std::unique_ptr<Attention> attention = plain_attention();
};

TEST_F(AttentionTest, AsOnTheCpu) {
  constexpr std::size_t kHeads = 2, kDim = 64, kQueries = 21, kKeys = 70;
  const Matrix q = random_matrix(kQueries, kHeads * kDim, 1);
  const Matrix k = random_matrix(kKeys, kHeads * kDim, 2),
               v = random_matrix(kKeys, kHeads * kDim, 3);
  const DeviceMatrix<Bf16> qs(q), ks(k), vs(v), os(kQueries, kHeads * kDim, 8);
  AttentionShape shape = packed_attention(kHeads, kDim, kQueries, kKeys);
  shape.o_row += 8;
  attention->prepare(shape);
  attention->run(nullptr, shape, qs.data(), ks.data(), vs.data(), os.data());
  Matrix expected(kQueries, kHeads * kDim);
  for (std::size_t c = 0; c < q.cols; c += kDim)
    dit::attend(q.view().columns(c, kDim), k.view().columns(c, kDim), v.view().columns(c, kDim),
                expected.view().columns(c, kDim));
  EXPECT_LT(relative_error(os.values(), expected), 2 * kBf16Error);  // probabilities are bf16 too
}

TEST_F(AttentionTest, NoQueriesIsNoWork) {
  const AttentionShape shape = packed_attention(1, 64, 0, 10);
  attention->prepare(shape);
  attention->run(nullptr, shape, nullptr, nullptr, nullptr, nullptr);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

TEST_F(AttentionTest, RefusesWhatItCannotCompute) {
  EXPECT_THROW(attention->prepare(packed_attention(2, 72, 8, 8)), ConfigError);
  EXPECT_THROW(attention->prepare(packed_attention(2, 64, 8, 0)), ConfigError);
  AttentionShape overlapping = packed_attention(2, 64, 8, 8);
  overlapping.k_head = 32;
  EXPECT_THROW(attention->prepare(overlapping), ConfigError);
  AttentionShape unscaled = packed_attention(2, 64, 8, 8);
  unscaled.scale = 0;
  EXPECT_THROW(attention->prepare(unscaled), ConfigError);
}

TEST_F(AttentionTest, OnlyPreparedShapesAndBeforeArming) {
  const AttentionShape shape = packed_attention(2, 64, 8, 8);
  EXPECT_THROW(attention->run(nullptr, shape, nullptr, nullptr, nullptr, nullptr), InternalError);
  arm();
  EXPECT_THROW(attention->prepare(shape), InternalError);
  disarm();
}

}  // namespace
}  // namespace regroup::cuda
