// NVIDIA's libraries: that they load, what they say without a GPU, and, with one, that they compute
// what our own kernels do.
#include "runtime/cuda/ops/math_libraries.hpp"

#include <optional>

#include "core/errors.hpp"
#include "device_test.hpp"

namespace regroup::cuda {
namespace {

using dit::Matrix;

TEST(MathLibraries, OwnKernelsNeedNoLibrary) {
  const MathLibraries libraries(MathChoice::kOwnKernels);
  EXPECT_EQ(libraries.describe(), "products: own kernels; attention: own kernels");
  const RankMath math = libraries.rank_math({});
  EXPECT_EQ(math.gemm->name(), "own kernels");
  EXPECT_EQ(math.attention->name(), "own kernels");
}

TEST(MathLibraries, SayWhichWereLoadedAndFromWhere) {
  const std::string text = MathLibraries(MathChoice::kBest).describe();
  if (text.find("own kernels") != std::string::npos) GTEST_SKIP() << text;
  EXPECT_TRUE(text.starts_with("products: cuBLASLt 1")) << text;
  EXPECT_NE(text.find("/libcublasLt.so."), std::string::npos) << text;
  EXPECT_NE(text.find("; attention: cuDNN 9."), std::string::npos) << text;
  EXPECT_NE(text.find("/libcudnn.so.9)"), std::string::npos) << text;
}

TEST(MathLibraries, WithoutAGpuTheRefusalIsClear) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0) GTEST_SKIP() << "there is a GPU";
  const MathLibraries libraries(MathChoice::kBest);
  if (libraries.describe().find("products: own") == 0) GTEST_SKIP() << libraries.describe();
  try {
    libraries.rank_math({});
    FAIL() << "a handle without a GPU";
  } catch (const CudaError& error) {
    EXPECT_NE(std::string(error.what()).find("creating a handle failed: "), std::string::npos)
        << error.what();
  }
}

class LibrariesTest : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (IsSkipped()) return;
    libraries.emplace(MathChoice::kBest);
    workspace = DeviceBuffer(kMathWorkspaceBytes, "a test");
    math = libraries->rank_math({workspace.data(), workspace.bytes(), 16});
  }

  std::optional<MathLibraries> libraries;
  DeviceBuffer workspace;
  RankMath math, own = plain_math();
};

template <class T>
Matrix product(Gemm& gemm, const GemmShape& shape, const Matrix& before) {
  const auto n = static_cast<std::size_t>(shape.n), k = static_cast<std::size_t>(shape.k);
  const DeviceMatrix<Bf16> x(random_matrix(before.rows, k, 1)), w(random_matrix(n, k, 2));
  const DeviceMatrix<Bf16> bias(random_matrix(1, n, 3));
  const DeviceMatrix<T> y(before);
  gemm.prepare(shape);
  gemm.run(nullptr, shape, {x.data(), w.data(), bias.data(), y.data()});
  return y.values();
}

TEST_F(LibrariesTest, ProductsAreThoseOfOurKernel) {
  for (const std::int64_t m : {1, 64, 576, 1031})
    for (const GemmEpilogue epilogue :
         {GemmEpilogue::kNone, GemmEpilogue::kBias, GemmEpilogue::kBiasGelu})
      for (const bool accumulate : {false, true})
        for (const bool float_out : {false, true}) {
          if (epilogue == GemmEpilogue::kBiasGelu && (accumulate || float_out)) continue;
          GemmShape s;
          s.m = m, s.n = 768, s.k = 1536;
          s.epilogue = epilogue, s.accumulate = accumulate, s.float_out = float_out;
          const Matrix before = random_matrix(static_cast<std::size_t>(m), 768, 4);
          const auto multiply = float_out ? product<float> : product<Bf16>;
          EXPECT_LT(relative_error(multiply(*math.gemm, s, before), multiply(*own.gemm, s, before)),
                    float_out ? kFloatError : 2 * kBf16Error)
              << m << ", epilogue " << static_cast<int>(epilogue) << ", accumulate " << accumulate
              << ", float " << float_out;
        }
}

TEST_F(LibrariesTest, AttentionIsThatOfOurKernel) {
  for (const int head_dim : {64, 128})
    for (const std::int64_t queries : {1, 128, 577}) {
      const AttentionShape shape = packed_attention(3, head_dim, queries, 600);
      const auto cols = static_cast<std::size_t>(3 * head_dim);
      const DeviceMatrix<Bf16> q(random_matrix(static_cast<std::size_t>(queries), cols, 1)),
          k(random_matrix(600, cols, 2)), v(random_matrix(600, cols, 3));
      const auto attend = [&](Attention& attention) {
        const DeviceMatrix<Bf16> o(static_cast<std::size_t>(queries), cols);
        attention.prepare(shape);
        attention.run(nullptr, shape, q.data(), k.data(), v.data(), o.data());
        return o.values();
      };
      EXPECT_LT(relative_error(attend(*math.attention), attend(*own.attention)), 3 * kBf16Error)
          << head_dim << ", " << queries;
    }
}

}  // namespace
}  // namespace regroup::cuda
