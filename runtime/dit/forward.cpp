#include "runtime/dit/forward.hpp"

#include <algorithm>

namespace regroup::dit {

RankForward::RankForward(const Dit& model, const LatentShape& shape, const SequenceSplit& split,
                         std::size_t rank, const Prompt& prompt, double sigma, ConstRows latents)
    : model_(model),
      split_(split),
      activations_(model.embed(shape, split, rank, prompt, sigma, latents)),
      head_qkv_(split.tokens(), 3 * model.config().hidden / split.ranks()),
      head_attended_(split.tokens(), model.config().hidden / split.ranks()) {}

std::optional<Exchange> RankForward::advance() {
  while (phase_ != Phase::kDone)
    if (const std::optional<Exchange> exchange = run_phase()) {
      if (split_.ranks() > 1) return exchange;
      // Alone, both ways of cutting are the whole.
      std::copy(exchange->in.begin(), exchange->in.end(), exchange->out.begin());
    }
  return std::nullopt;
}

std::optional<Exchange> RankForward::run_phase() {
  switch (phase_) {
    case Phase::kBeforeAttention:
      model_.block(block_).before_attention(activations_);
      phase_ = Phase::kAttention;
      return Exchange{Exchange::Kind::kSequenceToHeads, head_split(3 * model_.config().head_dim()),
                      activations_.qkv.values, head_qkv_.values};
    case Phase::kAttention:
      attention();
      phase_ = Phase::kAfterAttention;
      return Exchange{Exchange::Kind::kHeadsToSequence, head_split(model_.config().head_dim()),
                      head_attended_.values, activations_.attended.values};
    case Phase::kAfterAttention:
      model_.block(block_).after_attention(activations_);
      phase_ = ++block_ < model_.blocks() ? Phase::kBeforeAttention : Phase::kDone;
      if (phase_ == Phase::kDone) velocity_ = model_.velocity(activations_);
      return std::nullopt;
    case Phase::kDone:
      break;
  }
  return std::nullopt;
}

// The rank's heads, each over the whole sequence: the same numbers whatever the number of ranks.
void RankForward::attention() {
  const std::size_t dim = model_.config().head_dim();
  const ConstRows qkv = head_qkv_.view();
  for (std::size_t first = 0; first < head_attended_.cols; first += dim)
    attend(qkv.columns(3 * first, dim), qkv.columns(3 * first + dim, dim),
           qkv.columns(3 * first + 2 * dim, dim), head_attended_.view().columns(first, dim));
}

HeadSplit RankForward::head_split(std::size_t width) const {
  return {split_.bounds(), model_.config().heads, width};
}

}  // namespace regroup::dit
