#include "runtime/dit/shards.hpp"

#include <algorithm>

#include "core/errors.hpp"

namespace regroup::dit {

SequenceSplit::SequenceSplit(std::size_t text_tokens, std::size_t latent_tokens, std::size_t ranks)
    : text_(text_tokens) {
  RG_CHECK(ranks > 0, "a split among no ranks");
  const std::size_t tokens = text_tokens + latent_tokens;
  for (std::size_t r = 0; r <= ranks; ++r)
    bounds_.push_back(r * (tokens / ranks) + std::min(r, tokens % ranks));
}

SequenceSplit::Range SequenceSplit::tokens(std::size_t rank) const {
  return {bounds_[rank], bounds_[rank + 1] - bounds_[rank]};
}

SequenceSplit::Range SequenceSplit::text(std::size_t rank) const {
  const std::size_t first = std::min(bounds_[rank], text_);
  return {first, std::min(bounds_[rank + 1], text_) - first};
}

SequenceSplit::Range SequenceSplit::latents(std::size_t rank) const {
  const std::size_t first = std::max(bounds_[rank], text_) - text_;
  return {first, std::max(bounds_[rank + 1], text_) - text_ - first};
}

Matrix shard(const Matrix& latents, const SequenceSplit& split, std::size_t rank) {
  const auto [first, count] = split.latents(rank);
  RG_CHECK(first + count <= latents.rows, "{} latent tokens are fewer than the split's",
           latents.rows);
  Matrix piece(count, latents.cols);
  std::copy_n(latents.values.data() + first * latents.cols, piece.values.size(),
              piece.values.data());
  return piece;
}

Matrix gather(std::span<const Matrix> shards, const SequenceSplit& split) {
  RG_CHECK(shards.size() == split.ranks(), "{} shards for {} ranks", shards.size(), split.ranks());
  Matrix all;
  for (std::size_t r = 0; r < shards.size(); ++r) {
    RG_CHECK(shards[r].rows == split.latents(r).count && shards[r].cols == shards[0].cols,
             "rank {} holds {} tokens of {}, the split gives it {} of {}", r, shards[r].rows,
             shards[r].cols, split.latents(r).count, shards[0].cols);
    all.rows += shards[r].rows;
    all.values.insert(all.values.end(), shards[r].values.begin(), shards[r].values.end());
  }
  all.cols = shards[0].cols;
  return all;
}

}  // namespace regroup::dit
