// A group without threads: every rank's shard in turn, from exchange to exchange, on one thread.
// The oracle that a parallel run must equal bit for bit, since both make the same calls in the same
// order on each rank's numbers.
#pragma once

#include <vector>

#include "runtime/dit/step.hpp"

namespace regroup::dit {

// One request between and during its steps.
class SerialShards {
 public:
  // The model must outlive it. `latents` [tokens][token_width] are cut by the layout.
  SerialShards(const Dit& model, const LatentShape& shape, const Matrix& latents, Layout layout);

  void step(const Step& step);
  // Moves the request to a group of another layout.
  void regroup(Layout layout);
  Matrix latents() const;
  // One for each rank.
  const std::vector<Matrix>& shards() const { return shards_; }

 private:
  void cut(const Matrix& latents, Layout layout);

  const Dit& model_;
  LatentShape shape_;
  Layout layout_;
  std::vector<Matrix> shards_;
};

}  // namespace regroup::dit
