// Our own product against sums in double precision.
#include "runtime/cuda/ops/gemm.hpp"

#include "core/errors.hpp"
#include "device_test.hpp"

namespace regroup::cuda {
namespace {

using dit::Matrix;

class GemmTest : public DeviceTest {
 protected:
  const std::unique_ptr<Gemm> gemm = plain_gemm();

  Matrix expected(const GemmShape& s, const Matrix& x, const Matrix& w, const Matrix& bias,
                  const Matrix& before) const {
    Matrix y(x.rows, w.rows);
    for (std::size_t r = 0; r < y.rows; ++r)
      for (std::size_t c = 0; c < y.cols; ++c) {
        double sum = s.accumulate ? before.row(r)[c] : 0;
        for (std::size_t k = 0; k < x.cols; ++k) sum += double{x.row(r)[k]} * w.row(c)[k];
        if (s.epilogue != GemmEpilogue::kNone) sum += bias.row(0)[c];
        if (s.epilogue == GemmEpilogue::kBiasGelu)
          sum *= 0.5 * (1 + std::tanh(std::sqrt(2 / M_PI) * (sum + 0.044715 * sum * sum * sum)));
        y.row(r)[c] = static_cast<float>(sum);
      }
    return y;
  }

  template <class T>
  void expect_product(GemmShape s, double tolerance) {
    const auto m = static_cast<std::size_t>(s.m), n = static_cast<std::size_t>(s.n),
               k = static_cast<std::size_t>(s.k);
    const Matrix x = random_matrix(m, k, 1), w = random_matrix(n, k, 2);
    const Matrix bias = random_matrix(1, n, 3), before = random_matrix(m, n, 4);
    const DeviceMatrix<Bf16> xs(x, 8), ws(w, 16), biases(bias);
    const DeviceMatrix<T> ys =
        s.accumulate ? DeviceMatrix<T>(before, 24) : DeviceMatrix<T>(m, n, 24);
    s.ldx = s.k + 8, s.ldw = s.k + 16, s.ldy = s.n + 24;
    gemm->prepare(s);
    gemm->run(nullptr, s, {xs.data(), ws.data(), biases.data(), ys.data()});
    EXPECT_LT(relative_error(ys.values(), expected(s, x, w, bias, before)), tolerance)
        << s.m << " x " << s.n << " x " << s.k << ", epilogue " << static_cast<int>(s.epilogue)
        << (s.accumulate ? ", accumulated" : "");
  }
};

// Sizes that fill no tile, no step of k, and more steps than are in flight.
TEST_F(GemmTest, AnySize) {
  for (const std::int64_t m : {1, 15, 64, 67})
    for (const std::int64_t n : {8, 72})
      for (const std::int64_t k : {8, 40, 136}) {
        GemmShape s;
        s.m = m, s.n = n, s.k = k;
        expect_product<Bf16>(s, kBf16Error);
      }
}

TEST_F(GemmTest, EveryEpilogue) {
  for (const GemmEpilogue epilogue :
       {GemmEpilogue::kNone, GemmEpilogue::kBias, GemmEpilogue::kBiasGelu})
    for (const bool accumulate : {false, true})
      for (const bool float_out : {false, true}) {
        GemmShape s;
        s.m = 20, s.n = 24, s.k = 72;
        s.epilogue = epilogue, s.accumulate = accumulate, s.float_out = float_out;
        if (epilogue == GemmEpilogue::kBiasGelu && (accumulate || float_out))
          EXPECT_THROW(gemm->prepare(s), ConfigError);
        else if (float_out)
          expect_product<float>(s, kFloatError);
        else
          expect_product<Bf16>(s, kBf16Error);
      }
}

// What sequence parallelism rests on. The larger product is computed in larger tiles.
TEST_F(GemmTest, ARowDependsOnItselfAlone) {
  constexpr std::size_t kRows = 1024, kCols = 2048, kDepth = 40, kFirst = 700, kSome = 3;
  const Matrix x = random_matrix(kRows, kDepth, 1), w = random_matrix(kCols, kDepth, 2);
  const DeviceMatrix<Bf16> xs(x), ws(w), all(kRows, kCols), some(kSome, kCols);
  GemmShape s;
  s.m = kRows, s.n = kCols, s.k = kDepth;
  gemm->prepare(s);
  gemm->run(nullptr, s, {xs.data(), ws.data(), nullptr, all.data()});
  s.m = kSome;
  gemm->prepare(s);
  gemm->run(nullptr, s, {xs.data() + kFirst * kDepth, ws.data(), nullptr, some.data()});
  const Matrix whole = all.values(), part = some.values();
  for (std::size_t r = 0; r < kSome; ++r)
    for (std::size_t c = 0; c < kCols; ++c)
      ASSERT_EQ(part.row(r)[c], whole.row(kFirst + r)[c]) << r << ", " << c;
  GemmShape last = s;
  last.m = kRows;
  EXPECT_LT(relative_error(whole, expected(last, x, w, {}, {})), kBf16Error);
}

TEST_F(GemmTest, NoRowsIsNoWork) {
  GemmShape s;
  s.n = 8, s.k = 8;
  gemm->prepare(s);
  gemm->run(nullptr, s, {});
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

TEST_F(GemmTest, RefusesWhatItCannotCompute) {
  const auto refusal = [&](GemmShape s) {
    try {
      gemm->prepare(s);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  GemmShape odd;
  odd.m = 4, odd.n = 12, odd.k = 8;
  EXPECT_EQ(
      refusal(odd),
      "product 4 x 12 x 8 (ld 8, 8, 12): 12 is not a multiple of 8, as n, k and all ld must be");
  GemmShape overlapping = odd;
  overlapping.n = 16, overlapping.ldy = 8;
  EXPECT_EQ(refusal(overlapping),
            "product 4 x 16 x 8 (ld 8, 8, 8): sizes must be positive and rows must not overlap");
}

TEST_F(GemmTest, OnlyPreparedShapesAndBeforeArming) {
  GemmShape s;
  s.m = s.n = s.k = 8;
  EXPECT_THROW(gemm->run(nullptr, s, {}), InternalError);
  arm();
  EXPECT_THROW(gemm->prepare(s), InternalError);
  disarm();
  gemm->prepare(s);
  arm();
  EXPECT_NO_THROW(gemm->prepare(s));
  disarm();
}

}  // namespace
}  // namespace regroup::cuda
