// What the ranks of a placement say to each other, whoever carries it.
#pragma once

#include <string>

#include "runtime/cuda/dit/exchanges.hpp"
#include "runtime/cuda/dit/parameters.hpp"

namespace regroup::cuda {

// Of one rank, used by its thread.
class RankExchanges : public Exchanges {
 public:
  // Who the members are of the exchanges that are enqueued from now on.
  virtual void set_groups(const StepParameters& parameters) = 0;
  // What is enqueued after it runs when all members of the group have come to it.
  virtual void barrier(cudaStream_t stream, const collectives::RankGroup& group) = 0;
  // Whether calls may be captured into a CUDA graph that serves other groups as well.
  virtual bool capturable() const = 0;
  // When the stream has run dry: what went wrong, in one sentence; empty: nothing.
  virtual std::string failure() const = 0;
  // Forgets it; by the dispatcher, when no rank is inside an operation.
  virtual void rearm() {}
};

}  // namespace regroup::cuda
