// How much arithmetic a step is, to say how fast it was computed.
#pragma once

#include "runtime/dit/config.hpp"
#include "runtime/dit/latents.hpp"

namespace regroup::cuda {

// Floating-point operations, a multiplication and an addition being two (Kaplan et al., arXiv
// 2001.08361, section 2.1). What is neither a product nor attention is not counted: some hundred a
// number, beside thousands.
struct StepFlops {
  double products = 0;   // 2 rows x in x out for each layer
  double attention = 0;  // 4 queries x keys x width (Dao, arXiv 2307.08691, section 4.1)

  double total() const { return products + attention; }
};

// Of a whole step, however many ranks share it: two forward passes if guided. What members of a
// group compute more than once, such as the keys of Wan's text, counts once.
StepFlops step_flops(const dit::DitConfig& config, const dit::LatentShape& shape, bool guided);

}  // namespace regroup::cuda
