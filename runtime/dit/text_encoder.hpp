// A stand-in for T5 or CLIP: a small transformer of one head over the bytes of the prompt, with
// real arithmetic and without training, so that encoding computes something that depends on every
// byte.
#pragma once

#include <string_view>
#include <vector>

#include "runtime/dit/block_parts.hpp"
#include "runtime/dit/conditioning.hpp"

namespace regroup::dit {

// Immutable after construction.
class ByteTextEncoder {
 public:
  ByteTextEncoder(const DitConfig& config, WeightSource& weights);

  // The first text_tokens bytes count, the rest is cut off, what is missing is padding: a fixed
  // number of tokens, as in the pipelines of FLUX and Wan. Pooled: the mean of the tokens.
  Prompt encode(std::string_view prompt) const;

 private:
  struct Layer {
    std::vector<float> attention_gain, attention_offset, mlp_gain, mlp_offset;
    Linear qkv, out;
    Mlp mlp;
  };

  std::size_t tokens_, width_;
  Matrix table_;      // [byte or padding][width]
  Matrix positions_;  // [token][width]
  std::vector<Layer> layers_;
  std::vector<float> gain_, offset_;
};

}  // namespace regroup::dit
