// What one model is made of: the numbers from which tokens, FLOPs and bytes follow.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/stage_graph.hpp"

namespace regroup::models {

class Json;

// How long a stage other than denoising takes, on every GPU. It is not scaled to the GPU's rate:
// what does not shrink with GPUs in published requests is much the same on H100, H20 and L20
// (HunyuanVideo 116, 126 and 144 s; their bf16 rates differ by 8).
struct StageTime {
  std::string gpu;  // where it was measured
  double seconds = 0;
  double seconds_per_voxel = 0;  // a voxel is one pixel of one frame
  std::string source;
};

struct StageSpec {
  std::vector<int> degrees;  // sizes of group it can have; empty for denoise: see layouts.hpp
  StageTime time;            // not for denoise
};

// FLOPs of one forward pass of the denoiser, for one request.
struct Flops {
  double linear = 0;
  double attention = 0;
};

struct ModelCard {
  // kJoint: text tokens are part of the sequence (MMDiT). kCross: they are attended to (DiT).
  enum class Architecture { kJoint, kCross };

  std::string name;
  std::vector<std::string> aliases;
  Architecture architecture = Architecture::kJoint;
  int blocks = 0, hidden = 0, heads = 0, mlp_hidden = 0;
  int text_tokens = 0, text_width = 0;
  int spatial_stride = 0, temporal_stride = 0, latent_channels = 0;  // of the VAE
  int patch = 0, temporal_patch = 0;
  int size_multiple = 0;  // width and height must be multiples of it
  int steps = 0;          // by default
  bool classifier_free = false;
  std::int64_t denoiser_bytes = 0, text_encoder_bytes = 0, vae_bytes = 0;
  StageGraph stages = StageGraph::chain();
  std::vector<StageSpec> stage_specs;  // one for each stage of `stages`

  // A file of models/data/cards. Throws ConfigError naming file and key.
  static ModelCard parse(const Json& json);

  // Forward passes a step: 2 with classifier-free guidance above 1, else 1.
  int forwards(double guidance) const { return classifier_free && guidance > 1 ? 2 : 1; }
  // Empty, or the rule that the shape breaks.
  std::string why_not(Shape shape) const;

  // The functions below hold for shapes that the model can make.
  std::int64_t latent_tokens(Shape shape) const;    // patches of the latent
  std::int64_t sequence_tokens(Shape shape) const;  // with the text tokens, if it joins them
  // MMDiT: 2 (4 + 2m) d^2 n L and 4 d n L^2. Cross attention: 2n [(6 d^2 + 2 d f) L + 2 d^2 T] and
  // 4 n d (L^2 + L T). n blocks, d hidden, f = m d MLP width, L sequence, T text tokens.
  Flops flops(Shape shape) const;
  std::int64_t latent_bytes(Shape shape) const;      // 32-bit, as the pipelines keep it
  std::int64_t embedding_bytes(int forwards) const;  // bf16, one set of tokens for each pass
  std::int64_t weight_bytes() const { return denoiser_bytes + text_encoder_bytes + vae_bytes; }
};

// "encode", "denoise", "decode" or "other". Throws ConfigError for anything else.
StageKind stage_kind(const Json& json);

}  // namespace regroup::models
