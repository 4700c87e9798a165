// One forward pass of one member, written down: the same equations as runtime/dit, whose model.cpp,
// joint_blocks.cpp and cross_block.cpp are the truth for what is recorded here.
#pragma once

#include <string>

#include "runtime/cuda/dit/parameters.hpp"
#include "runtime/cuda/dit/recording.hpp"
#include "runtime/cuda/dit/step_buffers.hpp"

namespace regroup::cuda {

// What recording a pass needs to know.
struct Forward {
  const dit::DitConfig& config;
  const StepVariant& variant;
  const StepBuffers& buffers;
  const StepParameters* parameters;  // on the device
  Recording& recording;
  int pass = 0;

  std::int64_t hidden() const { return static_cast<std::int64_t>(config.hidden); }
  // The rows of the text, or of the latents, of a buffer that has one row a token of the member.
  template <class T>
  DeviceRows<T> text(DeviceRows<T> rows) const {
    return rows.slice(0, variant.rows.text);
  }
  template <class T>
  DeviceRows<T> latents(DeviceRows<T> rows) const {
    return rows.slice(variant.rows.text, variant.rows.latents);
  }
};

// From the state through all blocks to x; FLUX's and Wan's.
void record_joint_blocks(const Forward& forward);
void record_cross_blocks(const Forward& forward);
// Then from x of the latents to the velocity [latent rows][token_width].
void record_velocity(const Forward& forward, FloatRows velocity);

// ---- Parts of both kinds of blocks --------------------------------------------------------------

// What one of three vectors of a modulation does.
inline const float* part(const float* vectors, std::int64_t i, std::int64_t hidden) {
  return vectors + i * hidden;
}

// Time to `condition`, through its MLP.
void record_time(const Forward& forward);
// The member's latents to x.
void record_latents(const Forward& forward);
// normed = LayerNorm(x) (1 + scale) + shift.
void record_modulated_norm(const Forward& forward, ConstBf16Rows x, const float* shift,
                           const float* scale, Bf16Rows normed);
// x += gate * y; no gate: 1.
void record_gated(const Forward& forward, Bf16Rows x, const float* gate, ConstBf16Rows y);
// x += gate * MLP(normed), the two layers "<name>.in" and "<name>.out".
void record_mlp(const Forward& forward, const std::string& name, ConstBf16Rows normed, Bf16Rows x,
                const float* gate);

// Self-attention of all tokens of the sequence, each member with its heads: where queries, keys and
// values go, then the exchange, attention, and the exchange back. Alone, nothing is exchanged.
class SelfAttention {
 public:
  // Reserves what split() writes into.
  explicit SelfAttention(const Forward& forward);

  // normed -> "<name>" [query | key | value] -> normed and turned. `first` and normed.rows: which
  // of the member's rows these are. Once for all rows, or for text and for latents.
  void split(const std::string& name, HeadNorm norm, std::int64_t first, ConstBf16Rows normed);
  // The result for the member's rows: [rows][hidden], of any pitch.
  void attend(Bf16Rows attended);

 private:
  Forward forward_;
  bool alone_;
  int slot_ = 0;
  Bf16* split_ = nullptr;  // [3][rows][heads][head_dim]
};

}  // namespace regroup::cuda
