// What steers a forward pass: the prompt and the time.
#pragma once

#include <string>
#include <vector>

#include "runtime/dit/config.hpp"
#include "runtime/dit/weights.hpp"

namespace regroup::dit {

// A prompt after encoding. Every rank of a group has all of it.
struct Prompt {
  Matrix text;                // [text_tokens][text_width]
  std::vector<float> pooled;  // text_width
};

// Linear, SiLU, Linear: how FLUX, SD3 and Wan bring the time (and FLUX the pooled text) to the
// width of the model. Reads "<name>.in" and "<name>.out".
class VectorMlp {
 public:
  VectorMlp(WeightSource& source, const std::string& name, std::size_t in, std::size_t hidden);
  std::vector<float> operator()(std::span<const float> x) const;

 private:
  Linear in_, out_;
};

// cos(1000 sigma w_i), then sin, with w_i = 10000^(-2 i / n) for n features (n even): the
// sinusoidal timestep embedding of FLUX and Wan.
std::vector<float> time_features(double sigma, std::size_t n);

}  // namespace regroup::dit
