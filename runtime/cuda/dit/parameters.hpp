// What changes from step to step. A recorded program reads it from device memory, so that one
// recording serves every request, every step, every member and every group of its layout. C++17.
#pragma once

#include <cstdint>

#include "runtime/collectives/rank_group.hpp"
#include "runtime/cuda/ops/vectors.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// Passed by value to a kernel that stores it. 32-bit rows: no tensor here has 2^31 of them.
struct StepParameters {
  collectives::RankGroup branch, pair, all;  // for the exchanges: exchanges.hpp, Among
  double sigma = 1;                          // the noise level at present
  SamplerScalars sampler;
  std::int32_t first_text = 0;  // this member's first token of the text, if the text is shared out
  std::int32_t first_latent = 0;  // and of the latents
};

// Enqueues *to = from; `to` is device memory. Allocates nothing, returns at once.
void store_parameters(cudaStream_t stream, const StepParameters& from, StepParameters* to);

}  // namespace regroup::cuda
