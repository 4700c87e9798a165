#include "runtime/dit/step.hpp"

#include "core/errors.hpp"

namespace regroup::dit {
namespace {

SequenceSplit checked_split(const DitConfig& config, const Step& step, Layout layout) {
  check(config, layout, step.guidance);
  return sequence_split(config, step.shape, layout);
}

}  // namespace

SequenceSplit sequence_split(const DitConfig& config, const LatentShape& shape, Layout layout) {
  return SequenceSplit(config.joint_text(), shape.tokens(), layout.ulysses);
}

RankStep::RankStep(const Dit& model, const Step& step, Layout layout, std::size_t rank,
                   Matrix& latents)
    : model_(model),
      step_(step),
      layout_(layout),
      rank_(rank),
      latents_(latents),
      split_(checked_split(model.config(), step, layout)),
      guided_(step.guidance > 1) {
  RG_CHECK(rank < static_cast<std::size_t>(layout.size()), "rank {} of {}", rank, layout.size());
  const std::size_t expected = split_.latents(rank % layout.ulysses).count;
  RG_CHECK(latents.rows == expected && latents.cols == step.shape.token_width(),
           "rank {} has {} tokens of {}, its shard is {} of {}", rank, latents.rows, latents.cols,
           expected, step.shape.token_width());
  begin(layout.cfg == 2 ? rank / layout.ulysses : 0);
}

void RankStep::begin(std::size_t branch) {
  const Prompt* prompt = branch == 0 ? step_.prompt : step_.negative;
  RG_CHECK(prompt != nullptr, "a step without a prompt for branch {}", branch);
  branch_ = branch;
  forward_.emplace(model_, step_.shape, split_, rank_ % layout_.ulysses, *prompt, step_.from,
                   latents_.view());
}

std::optional<Exchange> RankStep::advance() {
  while (phase_ == Phase::kForwards) {
    if (const auto exchange = forward_->advance()) return exchange;
    velocities_[branch_] = forward_->velocity();
    if (guided_ && layout_.cfg == 1 && branch_ == 0) {
      begin(1);
      continue;
    }
    phase_ = Phase::kGuide;
    if (layout_.cfg == 2) {
      const Matrix& mine = velocities_[branch_];
      Matrix& theirs = velocities_[1 - branch_];
      theirs = Matrix(mine.rows, mine.cols);
      return Exchange{Exchange::Kind::kSwapBranches, {}, mine.values, theirs.values};
    }
  }
  if (phase_ == Phase::kGuide) finish();
  return std::nullopt;
}

void RankStep::finish() {
  std::vector<float>& velocity = velocities_[0].values;
  if (guided_) guide(velocity, velocities_[1].values, step_.guidance, velocity);
  euler_step(latents_.values, velocity, step_.from, step_.to);
  phase_ = Phase::kDone;
}

void run(RankStep& step, Collectives& collectives) {
  while (const std::optional<Exchange> exchange = step.advance()) perform(*exchange, collectives);
}

}  // namespace regroup::dit
