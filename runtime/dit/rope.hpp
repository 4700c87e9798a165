// Rotary position embedding in frame, row and column (Su et al., arXiv 2104.09864; axes as FLUX and
// Wan have them). An image has one frame, so that only rows and columns turn: the 2-D form.
#pragma once

#include "runtime/dit/config.hpp"
#include "runtime/dit/latents.hpp"
#include "runtime/dit/shards.hpp"

namespace regroup::dit {

// The angles of one rank's tokens. Axis a with n numbers turns its neighbouring pairs i = 0 .. n/2
// by position * 10000^(-2i / n). Text tokens stand at (0, 0, 0): they do not turn, as in FLUX.
class RopeTable {
 public:
  RopeTable(const DitConfig& config, const LatentShape& shape, SequenceSplit::Range tokens);

  // Turns one head (head_dim numbers) of the i-th token of the range.
  void turn(std::size_t i, const float* head, float* out) const;

 private:
  Matrix cos_, sin_;  // [token][head_dim / 2]
};

}  // namespace regroup::dit
