// What a block does between its products and its attention: norms, queries and keys, residuals,
// copies. Storage in bf16, arithmetic in fp32; the equations are those of runtime/dit/kernels.hpp.
//
// All of it enqueues on the stream, allocates nothing and may be captured. Pointers are to device
// memory, aligned to 16 bytes; columns and pitches of bf16 rows are multiples of 8, of fp32 rows of
// 4; at least one column. No rows: nothing is done. Throws CudaError if a launch is refused. C++17.
#pragma once

#include "runtime/cuda/ops/device_rows.hpp"
#include "runtime/cuda/ops/rope.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// out = LN(x) * gain + offset, LN(x) = (x - mean) / sqrt(variance + 1e-6) over each row; `out` may
// be x.
void layer_norm(cudaStream_t stream, ConstBf16Rows x, const Bf16* gain, const Bf16* offset,
                Bf16Rows out);

// out = LN(x) * (1 + scale) + shift: adaptive layer norm; `out` may be x.
void modulated_norm(cudaStream_t stream, ConstBf16Rows x, const float* shift, const float* scale,
                    Bf16Rows out);

// x / sqrt(mean of squares + 1e-6) * gain over each row, in place.
void rms_norm(cudaStream_t stream, Bf16Rows x, const Bf16* gain);

// RMSNorm over each head with one gain of head_dim (FLUX, SD3.5), or over all heads with one of
// heads * head_dim (Wan).
enum class HeadNorm { kEachHead, kAllHeads };

// From a projection to what the exchange takes: queries and keys normed and turned, values copied.
struct HeadInputs {
  ConstBf16Rows projected;  // [rows][query | key | value][heads][head_dim]
  const Bf16* query_gain = nullptr;
  const Bf16* key_gain = nullptr;
  HeadNorm norm = HeadNorm::kEachHead;
  int heads = 0, head_dim = 0;  // head_dim: 8, 16, 32, 64, 128 or 256
  DeviceRope rope;
  // The member's first latent token, read from the device when the kernel runs, so that a recorded
  // graph serves every member. Row text_rows of `projected` is that token, and so on; the rows
  // before it are text and do not turn.
  const std::int32_t* first_latent = nullptr;
  std::int64_t text_rows = 0;
};

// Row r of tensor i (query 0, key 1, value 2) goes to out + i * plane + r * heads * head_dim: with
// plane = all rows of the member * heads * head_dim, out is [3][rows][heads][head_dim], the input
// of Op::kSeqToHeads. A double block calls it for text and for latents with `out` at their first
// rows.
void split_heads(cudaStream_t stream, const HeadInputs& inputs, Bf16* out, std::int64_t plane);

// x += gate * y, the gate of each column; no gate: 1.
void add_gated(cudaStream_t stream, Bf16Rows x, const float* gate, ConstBf16Rows y);

enum class Activation { kNone, kGelu, kSilu };  // GELU: the tanh form

// y = f(y + bias), the bias of each column; no bias: 0.
void activate(cudaStream_t stream, Bf16Rows y, const Bf16* bias, Activation f);
void activate(cudaStream_t stream, FloatRows y, const Bf16* bias, Activation f);

// to = from, of one size, not overlapping.
void copy_rows(cudaStream_t stream, ConstBf16Rows from, Bf16Rows to);

// out = rows *first, *first + 1, ... of `all`, rounded to bf16. `first` is read when the kernel
// runs; null: 0. For a member's share of the latents (fp32) and of the text.
void gather_rows(cudaStream_t stream, ConstFloatRows all, const std::int32_t* first, Bf16Rows out);
void gather_rows(cudaStream_t stream, ConstBf16Rows all, const std::int32_t* first, Bf16Rows out);

}  // namespace regroup::cuda
