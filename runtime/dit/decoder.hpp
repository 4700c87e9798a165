// A stand-in for the decoder of a VAE: a few convolutions that grow latents to pixels, with real
// arithmetic and without training.
#pragma once

#include <vector>

#include "runtime/dit/latents.hpp"
#include "runtime/dit/weights.hpp"

namespace regroup::dit {

struct Video {
  std::size_t frames = 0, height = 0, width = 0;
  std::vector<float> pixels;  // [frame][row][column][red, green, blue], each in [-1, 1]
};

// Immutable after construction. Each latent frame by itself: a 3x3 convolution, then for each
// factor of two of the spatial stride SiLU, nearest upsampling and another, then one to colours and
// tanh. In time a latent frame after the first is repeated temporal_stride times.
class ConvDecoder {
 public:
  ConvDecoder(const DitConfig& config, WeightSource& weights);

  // Latents as tokens, all of them.
  Video decode(const LatentShape& shape, const Matrix& latents) const;

 private:
  std::size_t temporal_stride_;
  std::vector<Linear> convolutions_;  // [out][row][column][in] of the 3x3 neighbourhood
};

}  // namespace regroup::dit
