// Attention: bf16 in and out, scores and sums in fp32. C++17.
#pragma once

#include <memory>
#include <string>

#include "runtime/cuda/ops/attention_shape.hpp"
#include "runtime/cuda/portable/bf16.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// Of one rank, used by that rank's thread.
class Attention {
 public:
  virtual ~Attention() = default;

  // Builds the plan: before arming, once for each shape that run() will see, in the rank's context.
  // Again for the same shape is free. Throws ConfigError for a head_dim that nobody here computes
  // (64 and 128 are), CudaError if the library refuses.
  virtual void prepare(const AttentionShape& shape) = 0;

  // Enqueues; allocates nothing, may be captured. q, k, v, o in device memory, aligned to 16 bytes,
  // o overlapping none of the others. Throws InternalError for a shape that was never prepared.
  virtual void run(cudaStream_t stream, const AttentionShape& shape, const Bf16* q, const Bf16* k,
                   const Bf16* v, Bf16* o) = 0;

  // Who computes, for results files: "cuDNN 9.19.0", "own kernels".
  virtual std::string name() const = 0;
};

// Our own flash attention: needs no library and no workspace.
std::unique_ptr<Attention> plain_attention();

}  // namespace regroup::cuda
