// The sizes of a diffusion transformer: two small ones, and two as published.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "regroup/policy/types.hpp"

namespace regroup::dit {

struct DitConfig {
  // kJoint (MMDiT: FLUX, SD3, Qwen-Image, HunyuanVideo): text tokens are part of the sequence;
  // `double_blocks` with weights of their own for text and latents, then `single_blocks` with one
  // set for both. kCross (Wan): `blocks` attend to the text.
  enum class Architecture { kJoint, kCross };

  std::string name;
  Architecture architecture = Architecture::kJoint;
  std::size_t double_blocks = 0, single_blocks = 0;  // kJoint
  std::size_t blocks = 0;                            // kCross
  std::size_t hidden = 0, heads = 0, mlp_hidden = 0;
  std::size_t text_tokens = 0, text_width = 0;  // what the text encoder hands over
  std::size_t text_layers = 0;                  // of the text encoder
  std::size_t time_features = 0;                // sines and cosines of the timestep; even
  std::size_t latent_channels = 0;
  std::size_t spatial_stride = 0;   // pixels a latent, each way; a power of two
  std::size_t temporal_stride = 0;  // frames a latent frame, after the first
  std::size_t patch = 0;            // latents a token, each way
  std::size_t decoder_width = 0;    // channels inside the decoder
  // How many numbers of a head turn with the frame, the row and the column of a token.
  std::array<std::size_t, 3> rope_axes{};
  // Of the noise schedule (sampler.hpp); nullopt: FLUX's, which grows with the latent tokens.
  std::optional<double> flow_shift;

  std::size_t head_dim() const { return hidden / heads; }
  std::size_t token_width() const { return latent_channels * patch * patch; }
  // Text tokens in the sequence that is attended to as one.
  std::size_t joint_text() const { return architecture == Architecture::kJoint ? text_tokens : 0; }
};

// "tiny-mmdit": 24 heads as FLUX.1 and HunyuanVideo have, so the same Ulysses degrees;
// "tiny-cross": 12 heads as Wan2.1-1.3B. A step at 128x128 pixels takes some 10 ms of one core.
// "FLUX.1-dev" and "Wan2.1-T2V-1.3B" at full size, for GPUs: 23.8 and 2.8 GB of bf16 weights.
// Throws ConfigError for another name, listing these.
DitConfig preset(std::string_view name);

// Throws ConfigError naming the config and the rule that its numbers break.
void check(const DitConfig& config);

// Throws ConfigError naming the rule if a step cannot be shared out so. Ulysses divides the heads;
// cfg is 2 at most, and 1 without guidance (at most 1); neither ring nor tensor parallel.
void check(const DitConfig& config, Layout layout, double guidance);

}  // namespace regroup::dit
