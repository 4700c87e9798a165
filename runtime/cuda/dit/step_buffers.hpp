// The memory that a step works in, carved from one piece so that nothing is allocated for it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/cuda/dit/shares.hpp"
#include "runtime/cuda/ops/device_rows.hpp"

namespace regroup::cuda {

// Hands out pieces of a memory one after the other, each from a multiple of 256 bytes. Without
// memory it only counts: what it hands out is not to be used.
class Carver {
 public:
  Carver() = default;
  explicit Carver(std::byte* base) : base_(base) {}

  template <class T>
  T* take(std::int64_t count) {
    const std::uint64_t offset = used_;
    used_ += (static_cast<std::uint64_t>(count) * sizeof(T) + 255) / 256 * 256;
    return base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + offset);
  }
  template <class T>
  DeviceRows<T> take_rows(std::int64_t rows, std::int64_t cols) {
    return {take<T>(rows * cols), rows, cols, cols};
  }
  std::uint64_t used() const { return used_; }

 private:
  std::byte* base_ = nullptr;
  std::uint64_t used_ = 0;
};

// What a step is given, and, for the latents, what it leaves. Copied in and out by the caller. Also
// what is kept of a request between its steps.
struct StepState {
  Bf16* text[2] = {};     // of each prompt [text_tokens][text_width]
  float* pooled[2] = {};  // of each prompt [text_width]; joint models only
  FloatRows latents;      // [tokens][token_width], all of them, at every member
};
StepState step_state(const dit::DitConfig& config, const dit::LatentShape& shape, int prompts,
                     Carver& carver);

// Where everything of one variant lies. rows: those of the member, text first.
struct StepBuffers {
  StepState state;  // a prompt for each pass

  // Conditioning, fp32.
  float* time = nullptr;              // [time_features]
  float* inner = nullptr;             // [hidden], inside a small MLP
  float* condition = nullptr;         // [hidden]
  float* steering = nullptr;          // [hidden], SiLU of it, with the pooled text if joint
  float* modulation = nullptr;        // [6][hidden], of a block or of its latents' stream
  float* text_modulation = nullptr;   // [6][hidden], of its text's stream; cross: what blocks share
  float* final_modulation = nullptr;  // [2][hidden]

  Bf16Rows own_text;     // [text rows][text_width]
  Bf16Rows own_latents;  // [latent rows][token_width]
  Bf16Rows x;            // [rows][hidden], the residual stream
  Bf16Rows normed;       // [rows][hidden]
  // [rows][enough for each of: the packed projection of queries, keys and values; the inside of an
  // MLP; if joint, what a single block's last product takes], which use it in turn.
  Bf16Rows wide;
  Bf16Rows attended;   // [rows][hidden], what attention gives
  Bf16Rows projected;  // [rows][hidden], what a gate adds to x
  // [3][tokens of the sequence][own heads][head_dim], what self-attention takes.
  Bf16* heads = nullptr;

  // Cross models.
  Bf16Rows context, context_inner;  // [text_tokens][hidden]
  Bf16Rows text_query;              // [rows][hidden]
  Bf16Rows text_key, text_value;    // [text_tokens][hidden]

  FloatRows velocity[2];  // of each branch [latent rows][token_width]; one below the other
};

StepBuffers step_buffers(const dit::DitConfig& config, const StepVariant& variant, Carver& carver);

// Of memory for them.
std::uint64_t step_buffer_bytes(const dit::DitConfig& config, const StepVariant& variant);
// Of a staging slot: the largest input of its exchanges; 0 where there are none.
std::uint64_t staging_bytes(const dit::DitConfig& config, const StepVariant& variant);

}  // namespace regroup::cuda
