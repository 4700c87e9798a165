// How the tokens of a request are cut among the ranks of a group.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/dit/rows.hpp"

namespace regroup::dit {

// The sequence is one: the text tokens (if they join it), then the latent tokens. Each of n ranks
// has L / n tokens of it, in order, and the first L mod n ranks one more (as the collectives deal
// them: collectives/shards.hpp), any number of either kind, maybe none. So the ranks' pieces in
// rank order are the sequence, whatever their number.
class SequenceSplit {
 public:
  SequenceSplit(std::size_t text_tokens, std::size_t latent_tokens, std::size_t ranks);

  struct Range {
    std::size_t first = 0, count = 0;
  };

  std::size_t ranks() const { return bounds_.size() - 1; }
  std::size_t tokens() const { return bounds_.back(); }
  std::span<const std::size_t> bounds() const { return bounds_; }  // ranks + 1, ascending, from 0
  Range tokens(std::size_t rank) const;                            // of the sequence
  Range text(std::size_t rank) const;                              // of the text
  Range latents(std::size_t rank) const;                           // of the latents

 private:
  std::size_t text_;
  std::vector<std::size_t> bounds_;
};

// The latent tokens that the rank holds between steps.
Matrix shard(const Matrix& latents, const SequenceSplit& split, std::size_t rank);
// All of them again, from one shard of each rank in order.
Matrix gather(std::span<const Matrix> shards, const SequenceSplit& split);

}  // namespace regroup::dit
