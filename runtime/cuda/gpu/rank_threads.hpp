// A piece of work for every rank at the same time. C++17.
#pragma once

#include <functional>

#include "runtime/cuda/gpu/machine.hpp"

namespace regroup::cuda {

// Runs `work(rank)` on one thread a rank, with the rank's context current, and waits for all. Not
// for a hot path: the threads are made for it. Rethrows what the lowest rank threw.
void on_every_rank(const Machine& machine, const std::function<void(int rank)>& work);

}  // namespace regroup::cuda
