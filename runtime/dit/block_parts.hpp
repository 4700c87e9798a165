// What the three kinds of block are made of.
#pragma once

#include <string>
#include <vector>

#include "runtime/dit/rope.hpp"
#include "runtime/dit/weights.hpp"

namespace regroup::dit {

// out = LayerNorm(x) (1 + scale) + shift: adaptive layer norm (Peebles, Xie, arXiv 2212.09748).
void modulated_norm(ConstRows x, std::span<const float> shift, std::span<const float> scale,
                    Rows out);

// The i-th of several vectors of `width` numbers.
inline std::span<const float> part(std::span<const float> vectors, std::size_t i,
                                   std::size_t width) {
  return vectors.subspan(i * width, width);
}

// Queries, keys and values of self-attention. Reads "<name>.weight", "<name>.bias",
// "<name>.query_gain" and "<name>.key_gain".
class QkvProjection {
 public:
  // RMSNorm over each head with one gain for all of them (FLUX, SD3.5), or over all heads (Wan).
  enum class Norm { kEachHead, kAllHeads };
  QkvProjection(const DitConfig& config, WeightSource& source, const std::string& name, Norm norm);

  // Row i of x is the rank's token first + i; qkv [rows][head][query, key, value][head_dim].
  void apply(ConstRows x, const RopeTable& rope, std::size_t first, Rows qkv) const;

 private:
  std::size_t heads_, head_dim_;
  Linear project_;  // the rows of its weight: all queries, all keys, all values
  std::vector<float> query_gain_, key_gain_;
};

// Linear, GELU (tanh), Linear. Reads "<name>.in" and "<name>.out".
class Mlp {
 public:
  Mlp(WeightSource& source, const std::string& name, std::size_t width, std::size_t inner);
  Matrix operator()(ConstRows x) const;

 private:
  Linear in_, out_;
};

}  // namespace regroup::dit
