// Refusals, in words. C++17: .cu files call them, and need no formatting library.
#pragma once

#include "runtime/cuda/ops/attention_shape.hpp"
#include "runtime/cuda/ops/gemm.hpp"

namespace regroup::cuda {

// Throws ConfigError for a head that split_heads() cannot cut: allowed are 8, 16, ..., 256.
void check_head_dim(int head_dim);

// The shape with leading dimensions filled in. Throws ConfigError as Gemm::prepare() says.
GemmShape checked(const GemmShape& shape);

// Throws ConfigError for strides or sizes that no attention here can take.
void check_attention(const AttentionShape& shape);

// Throws InternalError: run() of a shape that was never prepared.
[[noreturn]] void refuse_unprepared(const GemmShape& shape);
[[noreturn]] void refuse_unprepared(const AttentionShape& shape);

}  // namespace regroup::cuda
