// Collectives between threads, as plain as can be: everybody shows his buffers, everybody waits,
// everybody takes what is his one number at a time. To check that a rank's work runs as well on a
// thread of its own as in turn.
#pragma once

#include <barrier>
#include <vector>

#include "runtime/dit/step.hpp"

namespace regroup::dit {

class ThreadGroup {
 public:
  explicit ThreadGroup(Layout layout);

  // One step of all ranks, each on its thread. latents[r] is the shard of rank r.
  void step(const Dit& model, const Step& step, const std::vector<Matrix*>& latents);

 private:
  class Member;

  Layout layout_;
  std::barrier<> barrier_;
  std::vector<std::span<const float>> shown_;  // by rank
};

}  // namespace regroup::dit
