// The whole model against the reference in double precision, and its position embedding.
#include "runtime/dit/model.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/errors.hpp"
#include "reference.hpp"
#include "runtime/dit/forward.hpp"
#include "runtime/dit/text_encoder.hpp"

namespace regroup::dit {
namespace {

Matrix velocity(const Dit& model, const LatentShape& shape, const Prompt& prompt, double sigma,
                const Matrix& latents) {
  const SequenceSplit whole(model.config().joint_text(), shape.tokens(), 1);
  RankForward forward(model, shape, whole, 0, prompt, sigma, latents.view());
  EXPECT_FALSE(forward.advance().has_value());
  return forward.velocity();
}

class ModelTest : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Presets, ModelTest, ::testing::Values("tiny-mmdit", "tiny-cross"),
                         [](const auto& preset) {
                           return std::string(preset.param) == "tiny-mmdit" ? "Joint" : "Cross";
                         });

// Float sums of some 600 terms through six blocks: 1e-5 of the largest number is their error.
TEST_P(ModelTest, EqualsReference) {
  reference::Recorder weights(7);
  const Dit model(preset(GetParam()), weights);
  const ByteTextEncoder encoder(model.config(), weights);
  const Prompt prompt = encoder.encode("a red panda");
  for (const Shape pixels : {Shape{48, 32, 1}, Shape{32, 48, 9}})
    for (const double sigma : {1.0, 0.3}) {
      const LatentShape shape = latent_shape(model.config(), pixels);
      const Matrix latents = noise(shape, 3);
      const Matrix actual = velocity(model, shape, prompt, sigma, latents);
      const auto expected =
          reference::velocity(model.config(), weights.tensors(), shape, prompt, sigma, latents);
      EXPECT_LT(reference::error(actual, expected), 1e-5) << pixels.frames << " " << sigma;
    }
}

// Everything that should matter does.
TEST_P(ModelTest, DependsOnItsInputs) {
  SeededWeights weights(7), others(8);
  const Dit model(preset(GetParam()), weights), other(preset(GetParam()), others);
  const ByteTextEncoder encoder(model.config(), weights);
  const Prompt prompt = encoder.encode("a cat"), second = encoder.encode("a dog");
  const LatentShape wide = latent_shape(model.config(), {64, 32, 1});
  const LatentShape high = latent_shape(model.config(), {32, 64, 1});  // as many tokens
  const Matrix latents = noise(wide, 1);
  const Matrix v = velocity(model, wide, prompt, 0.5, latents);
  EXPECT_EQ(v, velocity(model, wide, prompt, 0.5, latents));
  EXPECT_NE(v, velocity(model, wide, second, 0.5, latents));
  EXPECT_NE(v, velocity(model, wide, prompt, 0.6, latents));
  EXPECT_NE(v, velocity(model, high, prompt, 0.5, latents));
  EXPECT_NE(v, velocity(model, wide, prompt, 0.5, noise(wide, 2)));
  EXPECT_NE(v, velocity(other, wide, prompt, 0.5, latents));
}

TEST(Rope, TurnsByFrameRowAndColumn) {
  DitConfig config = preset("tiny-cross");
  ASSERT_EQ(config.rope_axes, (std::array<std::size_t, 3>{4, 2, 2}));
  const LatentShape shape = latent_shape(config, {48, 32, 9});  // 3 frames of 2 x 3 tokens
  const RopeTable table(config, shape, {0, shape.tokens()});
  const float head[8] = {1, 0, 1, 0, 1, 0, 1, 0};
  float out[8];
  table.turn(2 * 6 + 1 * 3 + 2, head, out);  // frame 2, row 1, column 2
  const double angles[4] = {2, 2 * 0.01, 1, 2};
  for (std::size_t pair = 0; pair < 4; ++pair) {
    EXPECT_NEAR(out[2 * pair], std::cos(angles[pair]), 1e-6) << pair;
    EXPECT_NEAR(out[2 * pair + 1], std::sin(angles[pair]), 1e-6) << pair;
  }
}

TEST(Rope, TextStandsStillAndShardsKnowTheirPlace) {
  const DitConfig config = preset("tiny-mmdit");
  const LatentShape shape = latent_shape(config, {64, 64, 1});
  const std::size_t text = config.text_tokens, dim = config.head_dim();
  const RopeTable whole(config, shape, {0, text + shape.tokens()});
  const RopeTable shard(config, shape, {text - 2, 9});
  const float head[6] = {1, 2, 3, 4, 5, 6};
  for (std::size_t i = 0; i < 9; ++i) {
    std::vector<float> a(dim), b(dim);
    whole.turn(text - 2 + i, head, a.data());
    shard.turn(i, head, b.data());
    EXPECT_EQ(a, b);
    EXPECT_EQ(std::equal(a.begin(), a.end(), head), i <= 2);  // text, and the latent at (0, 0, 0)
  }
}

TEST(TimeFeatures, KnownAnswers) {
  EXPECT_EQ(time_features(0, 4), (std::vector<float>{1, 1, 0, 0}));
  const std::vector<float> half = time_features(0.5, 4);
  EXPECT_NEAR(half[0], std::cos(500.0), 1e-6);
  EXPECT_NEAR(half[1], std::cos(5.0), 1e-6);
  EXPECT_NEAR(half[3], std::sin(5.0), 1e-6);
}

TEST(Config, RefusesWhatCannotBe) {
  EXPECT_THROW(preset("large"), ConfigError);
  const auto broken = [](auto change) {
    DitConfig config = preset("tiny-mmdit");
    change(config);
    return config;
  };
  EXPECT_NO_THROW(check(preset("tiny-mmdit")));
  EXPECT_NO_THROW(check(preset("tiny-cross")));
  EXPECT_THROW(check(broken([](DitConfig& c) { c.hidden = 145; })), ConfigError);
  EXPECT_THROW(check(broken([](DitConfig& c) { c.heads = 0; })), ConfigError);
  EXPECT_THROW(check(broken([](DitConfig& c) { c.rope_axes = {1, 3, 2}; })), ConfigError);
  EXPECT_THROW(check(broken([](DitConfig& c) { c.rope_axes = {2, 2, 4}; })), ConfigError);
  EXPECT_THROW(check(broken([](DitConfig& c) { c.blocks = 1; })), ConfigError);
  EXPECT_THROW(check(broken([](DitConfig& c) { c.spatial_stride = 6; })), ConfigError);
  EXPECT_THROW(check(broken([](DitConfig& c) { c.time_features = 3; })), ConfigError);
  EXPECT_THROW(check(broken([](DitConfig& c) { c.flow_shift = 0.0; })), ConfigError);
}

TEST(Config, LayoutsOfAStep) {
  const DitConfig config = preset("tiny-mmdit");
  for (const int ulysses : {1, 2, 3, 4, 6, 8, 12, 24})
    EXPECT_NO_THROW(check(config, {.ulysses = static_cast<std::uint8_t>(ulysses)}, 1));
  EXPECT_NO_THROW(check(config, {.cfg = 2, .ulysses = 4}, 3.5));
  const auto why_not = [&](Layout layout, double guidance) -> std::string {
    try {
      check(config, layout, guidance);
      return {};
    } catch (const ConfigError& error) {
      return error.what();
    }
  };
  EXPECT_EQ(why_not({.ulysses = 5}, 1),
            "transformer 'tiny-mmdit': ulysses 5 does not divide its 24 heads");
  EXPECT_EQ(why_not({.cfg = 2}, 1),
            "transformer 'tiny-mmdit': cfg 2, but a step at guidance 1 has 1 forward pass");
  EXPECT_EQ(why_not({.ring = 2}, 1),
            "transformer 'tiny-mmdit' shares a step by cfg x ulysses; ring 2 and tp 1 must be 1");
}

}  // namespace
}  // namespace regroup::dit
