// What one rank computes products and attention with. C++17.
#pragma once

#include <memory>

#include "runtime/cuda/ops/attention.hpp"
#include "runtime/cuda/ops/gemm.hpp"

namespace regroup::cuda {

// Of one rank, used by that rank's thread, on one stream: both may share a workspace.
struct RankMath {
  std::unique_ptr<Gemm> gemm;
  std::unique_ptr<Attention> attention;
};

// Own kernels only.
inline RankMath plain_math() { return {plain_gemm(), plain_attention()}; }

}  // namespace regroup::cuda
