// Our own attention kernel, for where cuDNN is missing or slows a tool down. C++17.
#pragma once

#include "runtime/cuda/ops/attention_shape.hpp"
#include "runtime/cuda/portable/bf16.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// Whether head_dim is one that there is a kernel for: 64 or 128.
bool flash_attention_supports(const AttentionShape& shape);

// Enqueues one kernel; needs nothing prepared, allocates nothing, may be captured. The shape has
// passed check_attention() and is supported, its scale is positive; q, k, v, o in device memory,
// aligned to 16 bytes, o overlapping none of the others. No queries: nothing is enqueued.
//
// A row of o depends on its own row of q and on its head's k and v, summed in one order, and so is
// the same, to the bit, however queries and heads are split over ranks. Scores and sums in float;
// probabilities are rounded to bf16 before they multiply v.
void flash_attention(cudaStream_t stream, const AttentionShape& shape, const Bf16* q, const Bf16* k,
                     const Bf16* v, Bf16* o);

}  // namespace regroup::cuda
