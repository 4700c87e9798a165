// FLUX.1, as runtime/dit/joint_blocks.cpp.
#include <fmt/format.h>

#include "runtime/cuda/dit/forward.hpp"

namespace regroup::cuda {
namespace {

// A stream of a double block: the rows from `first` on, under its own weights.
struct Stream {
  std::string name;
  std::int64_t first;
  Bf16Rows x, normed;
  float* modulation;  // [shift, scale, gate, and the same of the MLP][hidden]
};

void before_attention(const Forward& forward, const Stream& stream, SelfAttention& attention) {
  if (stream.x.rows == 0) return;
  const std::int64_t hidden = forward.hidden();
  forward.recording.linear(stream.name + ".modulation", forward.buffers.steering,
                           stream.modulation);
  record_modulated_norm(forward, stream.x, part(stream.modulation, 0, hidden),
                        part(stream.modulation, 1, hidden), stream.normed);
  attention.split(stream.name + ".qkv", HeadNorm::kEachHead, stream.first, stream.normed);
}

void after_attention(const Forward& forward, const Stream& stream) {
  if (stream.x.rows == 0) return;
  const std::int64_t hidden = forward.hidden();
  const Bf16Rows attended = forward.buffers.attended.slice(stream.first, stream.x.rows);
  const Bf16Rows projected = forward.buffers.projected.slice(stream.first, stream.x.rows);
  forward.recording.linear(stream.name + ".attention_out", attended, projected);
  record_gated(forward, stream.x, part(stream.modulation, 2, hidden), projected);
  record_modulated_norm(forward, stream.x, part(stream.modulation, 3, hidden),
                        part(stream.modulation, 4, hidden), stream.normed);
  record_mlp(forward, stream.name + ".mlp", stream.normed, stream.x,
             part(stream.modulation, 5, hidden));
}

void double_block(const Forward& forward, const std::string& name) {
  const StepBuffers& b = forward.buffers;
  const Stream text{name + ".text", 0, forward.text(b.x), forward.text(b.normed),
                    b.text_modulation};
  const Stream latents{name + ".latents", forward.variant.rows.text, forward.latents(b.x),
                       forward.latents(b.normed), b.modulation};
  SelfAttention attention(forward);
  before_attention(forward, text, attention);
  before_attention(forward, latents, attention);
  attention.attend(b.attended);
  after_attention(forward, text);
  after_attention(forward, latents);
}

// Attention and MLP side by side, both from one norm and into one product.
void single_block(const Forward& forward, const std::string& name) {
  const StepBuffers& b = forward.buffers;
  const std::int64_t hidden = forward.hidden();
  const auto mlp = static_cast<std::int64_t>(forward.config.mlp_hidden);
  forward.recording.linear(name + ".modulation", b.steering, b.modulation);
  record_modulated_norm(forward, b.x, part(b.modulation, 0, hidden), part(b.modulation, 1, hidden),
                        b.normed);
  SelfAttention attention(forward);
  attention.split(name + ".qkv", HeadNorm::kEachHead, 0, b.normed);
  attention.attend(b.wide.columns(0, hidden));
  forward.recording.linear(name + ".mlp_in", b.normed, b.wide.columns(hidden, mlp),
                           GemmEpilogue::kBiasGelu);
  forward.recording.linear(name + ".out", b.wide.columns(0, hidden + mlp), b.projected);
  record_gated(forward, b.x, part(b.modulation, 2, hidden), b.projected);
}

// SiLU(time + pooled text) drives every block's own modulation.
void condition(const Forward& forward) {
  const StepBuffers& b = forward.buffers;
  const std::int64_t hidden = forward.hidden();
  record_time(forward);
  forward.recording.linear("pooled_in.in", b.state.pooled[forward.pass], b.inner,
                           Activation::kSilu);
  forward.recording.linear("pooled_in.out", b.inner, b.steering);
  forward.recording.add([=, from = b.condition, to = b.steering](cudaStream_t stream) {
    add(stream, from, to, hidden, to);
    silu(stream, to, hidden, to);
  });
}

void text(const Forward& forward) {
  const StepBuffers& b = forward.buffers;
  const ConstBf16Rows all{b.state.text[forward.pass],
                          static_cast<std::int64_t>(forward.config.text_tokens),
                          static_cast<std::int64_t>(forward.config.text_width),
                          static_cast<std::int64_t>(forward.config.text_width)};
  forward.recording.add([all, first = &forward.parameters->first_text, own = b.own_text](
                            cudaStream_t stream) { gather_rows(stream, all, first, own); });
  forward.recording.linear("text_in", b.own_text, forward.text(b.x));
}

}  // namespace

void record_joint_blocks(const Forward& forward) {
  condition(forward);
  record_latents(forward);
  text(forward);
  for (std::size_t i = 0; i < forward.config.double_blocks; ++i)
    double_block(forward, fmt::format("double_blocks.{}", i));
  for (std::size_t i = 0; i < forward.config.single_blocks; ++i)
    single_block(forward, fmt::format("single_blocks.{}", i));
  forward.recording.linear("final_modulation", forward.buffers.steering,
                           forward.buffers.final_modulation);
}

}  // namespace regroup::cuda
