// Who has which tokens, and with whom a member exchanges.
#include "runtime/cuda/dit/shares.hpp"

#include <gtest/gtest.h>

#include "core/errors.hpp"
#include "published_models.hpp"
#include "tiny_models.hpp"

namespace regroup::cuda {
namespace {

TEST(Shares, EveryTokenHasOneMember) {
  for (const dit::DitConfig& config : {kFlux, kWan})
    for (const int degree : {1, 2, 3, 4, 6}) {
      const dit::LatentShape shape = dit::latent_shape(config, {208, 176, 1});  // 13 x 11 tokens
      std::int64_t text = 0, latents = 0;
      for (int piece = 0; piece < degree; ++piece) {
        const StepParameters told = member_parameters(config, shape, layout(1, degree), piece);
        EXPECT_EQ(told.first_text, text);
        EXPECT_EQ(told.first_latent, latents);
        const MemberRows rows = member_rows(config, shape, degree, piece);
        text += rows.text;
        latents += rows.latents;
      }
      EXPECT_EQ(text, static_cast<std::int64_t>(config.joint_text()));
      EXPECT_EQ(latents, 143);
    }
}

TEST(Shares, OneRecordingServesAllMembersWhereTheDegreeDivides) {
  const dit::LatentShape shape = dit::latent_shape(kFlux, {512, 512, 1});  // 1024 tokens
  for (const int degree : {1, 2, 4, 8})
    EXPECT_EQ(step_variants(kFlux, shape, layout(1, degree), false).size(), 1) << degree;
  EXPECT_EQ(step_variants(kFlux, shape, layout(1, 3), false).size(),
            3);  // 171, 171, 170 of text,
                 // 342, 341, 341 of latents
  EXPECT_EQ(step_variants(kWan, dit::latent_shape(kWan, {512, 512, 1}), layout(2, 3), true).size(),
            2);
}

TEST(Shares, EveryPassHasItsPrompt) {
  EXPECT_EQ(prompt_of(layout(2, 2), 1, 0), 0);
  EXPECT_EQ(prompt_of(layout(2, 2), 2, 0), 1);
  EXPECT_EQ(prompt_of(layout(1, 2), 1, 0), 0);
  EXPECT_EQ(prompt_of(layout(1, 2), 1, 1), 1);
}

TEST(Shares, LayoutsThatHeadsDoNotAllowAreRefused) {
  const dit::LatentShape shape = dit::latent_shape(kWan, {512, 512, 1});
  EXPECT_THROW(step_variants(kWan, shape, layout(1, 8), false), ConfigError);  // 12 heads
  EXPECT_THROW(step_variants(kWan, shape, layout(2, 1), false), ConfigError);
}

}  // namespace
}  // namespace regroup::cuda
