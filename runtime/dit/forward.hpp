// One forward pass of one rank, from exchange to exchange.
#pragma once

#include <optional>

#include "runtime/dit/collectives.hpp"
#include "runtime/dit/model.hpp"

namespace regroup::dit {

// Not shared between threads. The model, the split and the prompt must outlive it.
class RankForward {
 public:
  RankForward(const Dit& model, const LatentShape& shape, const SequenceSplit& split,
              std::size_t rank, const Prompt& prompt, double sigma, ConstRows latents);

  // Works until the ranks must exchange: call again when that is done. nullopt: the pass is over.
  // Two exchanges a block, none when the rank is alone.
  std::optional<Exchange> advance();

  // Of the rank's latent tokens. After the end only.
  const Matrix& velocity() const { return velocity_; }

 private:
  enum class Phase { kBeforeAttention, kAttention, kAfterAttention, kDone };

  std::optional<Exchange> run_phase();
  void attention();
  HeadSplit head_split(std::size_t width) const;

  const Dit& model_;
  const SequenceSplit& split_;
  Activations activations_;
  Matrix head_qkv_;       // [all tokens][own head][query, key, value][head_dim]
  Matrix head_attended_;  // [all tokens][own head][head_dim]
  Matrix velocity_;
  std::size_t block_ = 0;
  Phase phase_ = Phase::kBeforeAttention;
};

}  // namespace regroup::dit
