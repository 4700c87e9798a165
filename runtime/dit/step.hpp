// One denoising step of one rank: everything between two step boundaries.
#pragma once

#include <optional>

#include "runtime/dit/forward.hpp"
#include "runtime/dit/sampler.hpp"

namespace regroup::dit {

// What a step of a request is, the same for every rank.
struct Step {
  LatentShape shape;
  const Prompt* prompt = nullptr;
  const Prompt* negative = nullptr;  // used with guidance only
  double guidance = 1;               // above 1: two forward passes
  double from = 1, to = 0;           // noise levels
};

// Rank r of a cfg x ulysses layout has branch r / ulysses (0: the prompt, 1: the negative one) and
// piece r % ulysses of the sequence; without guidance parallelism it runs both branches in turn.
// Written once for every backend: run() on a thread per rank, SerialShards without threads.
// Not shared between threads; what it was made from must outlive it.
class RankStep {
 public:
  // `latents` is the rank's shard; it changes when the step ends, not before. Throws ConfigError
  // for a layout the model cannot have, and if `latents` is not the shard of that rank.
  RankStep(const Dit& model, const Step& step, Layout layout, std::size_t rank, Matrix& latents);

  // Works until the next exchange: call again when that is done. nullopt: the step is over.
  std::optional<Exchange> advance();

 private:
  enum class Phase { kForwards, kGuide, kDone };

  void begin(std::size_t branch);
  void finish();

  const Dit& model_;
  const Step& step_;
  Layout layout_;
  std::size_t rank_;
  Matrix& latents_;
  SequenceSplit split_;
  bool guided_;
  std::size_t branch_ = 0;  // under way
  std::optional<RankForward> forward_;
  Matrix velocities_[2];  // of the branches
  Phase phase_ = Phase::kForwards;
};

// The whole step of this rank.
void run(RankStep& step, Collectives& collectives);

// The split of a request's sequence among the `ulysses` ranks of one branch.
SequenceSplit sequence_split(const DitConfig& config, const LatentShape& shape, Layout layout);

}  // namespace regroup::dit
