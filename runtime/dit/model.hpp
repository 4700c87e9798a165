// The denoiser: a diffusion transformer with the blocks of FLUX.1 (kJoint) or Wan2.1 (kCross).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "runtime/dit/block.hpp"
#include "runtime/dit/conditioning.hpp"
#include "runtime/dit/config.hpp"
#include "runtime/dit/weights.hpp"

namespace regroup::dit {

// Immutable after construction; shared by all ranks of all groups.
class Dit {
 public:
  // Throws ConfigError for a config that check() refuses, and what the source throws.
  Dit(DitConfig config, WeightSource& weights);

  const DitConfig& config() const { return config_; }
  std::size_t blocks() const { return blocks_.size(); }
  const Block& block(std::size_t i) const { return *blocks_[i]; }

  // Start of a forward pass on one rank: its tokens embedded, time and text brought to the model's
  // width. `latents` are the rank's own.
  Activations embed(const LatentShape& shape, const SequenceSplit& split, std::size_t rank,
                    const Prompt& prompt, double sigma, ConstRows latents) const;
  // End of it: the velocity [the rank's latent tokens][token_width].
  Matrix velocity(Activations& a) const;

 private:
  void condition(const Prompt& prompt, double sigma, Activations& a) const;

  DitConfig config_;
  Linear latent_in_, text_in_;
  VectorMlp time_in_;
  std::optional<VectorMlp> pooled_in_;  // kJoint
  std::optional<Linear> text_out_;      // kCross: the second layer of the text's MLP
  std::optional<Linear> modulation_;    // kCross: the time's share in every block
  std::vector<std::unique_ptr<const Block>> blocks_;
  std::optional<Linear> final_modulation_;  // kJoint
  std::vector<float> final_table_;          // kCross: [2][hidden]
  Linear final_;
};

}  // namespace regroup::dit
