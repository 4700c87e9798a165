// Every attention of the full-size models, as cuDNN's graphs: no device is needed to make them.
#include "runtime/cuda/ops/sdpa_graph.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "core/errors.hpp"
#include "runtime/dit/config.hpp"
#include "runtime/dit/latents.hpp"

namespace regroup::cuda {
namespace {

struct Workload {
  const char* model;
  std::vector<Shape> shapes;
};

class SdpaGraphTest : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      cudnn.emplace();
    } catch (const CudaError& error) {
      GTEST_SKIP() << error.what();
    }
  }
  std::optional<Cudnn> cudnn;
};

// What one member computes: its heads over all tokens, and in a cross model its tokens over the
// text with all heads.
std::vector<AttentionShape> attentions(const dit::DitConfig& config, const dit::LatentShape& shape,
                                       int degree) {
  const auto heads = static_cast<int>(config.heads), head_dim = static_cast<int>(config.head_dim());
  const auto tokens = static_cast<std::int64_t>(config.joint_text() + shape.tokens());
  std::vector<AttentionShape> result = {packed_attention(heads / degree, head_dim, tokens, tokens)};
  if (config.architecture == dit::DitConfig::Architecture::kCross)
    for (const std::int64_t more : {0, 1})  // tokens of a member where the degree does not divide
      result.push_back(packed_attention(heads, head_dim, tokens / degree + more,
                                        static_cast<std::int64_t>(config.text_tokens)));
  return result;
}

TEST_F(SdpaGraphTest, EveryShapeAtEveryDegreeIsFinalised) {
  const std::vector<Workload> workloads = {
      {"FLUX.1-dev", {{512, 512, 1}, {768, 1024, 1}, {1024, 1024, 1}, {1536, 1536, 1}}},
      {"Wan2.1-T2V-1.3B", {{832, 480, 17}, {480, 832, 33}, {832, 480, 81}}}};
  int graphs = 0;
  for (const Workload& workload : workloads) {
    const dit::DitConfig config = dit::preset(workload.model);
    for (const Shape pixels : workload.shapes)
      for (int degree = 1; degree <= 8; ++degree) {
        if (config.heads % static_cast<std::size_t>(degree) != 0) continue;
        for (const AttentionShape& shape :
             attentions(config, dit::latent_shape(config, pixels), degree)) {
          EXPECT_NO_THROW(SdpaGraph(*cudnn, shape, nullptr))
              << workload.model << ", degree " << degree;
          ++graphs;
        }
      }
  }
  EXPECT_EQ(graphs, 4 * 6 + 3 * 5 * 3);
}

TEST_F(SdpaGraphTest, StridedViewsAreFinalised) {
  AttentionShape shape = packed_attention(24, 128, 4608, 4608);
  shape.q_row = shape.k_row = shape.v_row = 3 * 24 * 128;  // a packed projection
  shape.o_row = 15360;                                     // beside an MLP's result
  EXPECT_NO_THROW(SdpaGraph(*cudnn, shape, nullptr));
}

TEST_F(SdpaGraphTest, SaysWhatCudnnRefuses) {
  AttentionShape shape = packed_attention(2, 64, 8, 8);
  shape.q_row = -8;
  try {
    SdpaGraph(*cudnn, shape, nullptr);
    FAIL() << "a graph of tokens in reverse";
  } catch (const CudaError& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with(cudnn->name() + ": describing queries"))
        << error.what();
  }
}

}  // namespace
}  // namespace regroup::cuda
