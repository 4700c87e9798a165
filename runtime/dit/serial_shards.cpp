#include "runtime/dit/serial_shards.hpp"

#include <algorithm>
#include <deque>

#include "core/errors.hpp"

namespace regroup::dit {
namespace {

// What rank `to` of a branch takes from rank `from`: the tokens of one, the heads of the other.
void take(const Exchange& theirs, std::size_t from, const Exchange& mine, std::size_t to) {
  const HeadSplit& split = mine.split;
  const bool to_heads = mine.kind == Exchange::Kind::kSequenceToHeads;
  const std::size_t tokens = to_heads ? from : to;            // whose
  const std::size_t heads = to_heads ? to : from;             // whose
  const std::size_t own = split.local_heads() * split.width;  // floats a token, cut by heads
  const std::size_t all = split.heads * split.width;          // floats a token, cut by sequence
  for (std::size_t t = split.bounds[tokens]; t < split.bounds[tokens + 1]; ++t) {
    const std::size_t by_sequence = (t - split.bounds[tokens]) * all + heads * own;
    const std::size_t by_heads = t * own;
    std::copy_n(theirs.in.data() + (to_heads ? by_sequence : by_heads), own,
                mine.out.data() + (to_heads ? by_heads : by_sequence));
  }
}

// The exchange that all ranks have come to.
void perform_all(std::span<const Exchange> exchanges, std::size_t ulysses) {
  for (std::size_t rank = 0; rank < exchanges.size(); ++rank) {
    const Exchange& mine = exchanges[rank];
    if (mine.kind == Exchange::Kind::kSwapBranches) {
      const Exchange& theirs = exchanges[(rank + ulysses) % exchanges.size()];
      std::copy(theirs.in.begin(), theirs.in.end(), mine.out.begin());
    } else {
      const auto branch = exchanges.subspan(rank / ulysses * ulysses, ulysses);
      for (std::size_t from = 0; from < ulysses; ++from)
        take(branch[from], from, mine, rank % ulysses);
    }
  }
}

}  // namespace

SerialShards::SerialShards(const Dit& model, const LatentShape& shape, const Matrix& latents,
                           Layout layout)
    : model_(model), shape_(shape) {
  RG_CHECK(latents.rows == shape.tokens() && latents.cols == shape.token_width(),
           "{} latent tokens of {}", latents.rows, latents.cols);
  cut(latents, layout);
}

void SerialShards::cut(const Matrix& latents, Layout layout) {
  layout_ = layout;
  shards_.clear();
  const SequenceSplit split = sequence_split(model_.config(), shape_, layout);
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(layout.size()); ++rank)
    shards_.push_back(shard(latents, split, rank % layout.ulysses));
}

void SerialShards::step(const Step& step) {
  std::deque<RankStep> ranks;  // which do not move
  for (std::size_t rank = 0; rank < shards_.size(); ++rank)
    ranks.emplace_back(model_, step, layout_, rank, shards_[rank]);
  while (true) {
    std::vector<Exchange> exchanges;
    for (RankStep& rank : ranks)
      if (const auto exchange = rank.advance()) exchanges.push_back(*exchange);
    if (exchanges.empty()) return;
    RG_CHECK(exchanges.size() == ranks.size(), "{} of {} ranks wait for an exchange",
             exchanges.size(), ranks.size());
    perform_all(exchanges, layout_.ulysses);
  }
}

void SerialShards::regroup(Layout layout) { cut(latents(), layout); }

Matrix SerialShards::latents() const {
  const std::span<const Matrix> branch(shards_.data(), layout_.ulysses);
  return gather(branch, sequence_split(model_.config(), shape_, layout_));
}

}  // namespace regroup::dit
