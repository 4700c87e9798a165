// Wan2.1, as runtime/dit/cross_block.cpp.
#include <fmt/format.h>

#include "runtime/cuda/dit/forward.hpp"

namespace regroup::cuda {
namespace {

// x += the latents' attention to the text. Every member has all of the text and attends with its
// own rows and all heads, so nothing is exchanged.
void text_attention(const Forward& forward, const std::string& name, ConstBf16Rows normed) {
  const StepBuffers& b = forward.buffers;
  Recording& recording = forward.recording;
  recording.linear(name + ".query", normed, b.text_query);
  recording.linear(name + ".key", b.context, b.text_key);
  recording.linear(name + ".value", b.context, b.text_value);
  recording.add([query = b.text_query, key = b.text_key,
                 query_gain = recording.model().vector(name + ".query_gain"),
                 key_gain = recording.model().vector(name + ".key_gain")](cudaStream_t stream) {
    rms_norm(stream, query, query_gain);
    rms_norm(stream, key, key_gain);
  });
  const AttentionShape shape = packed_attention(
      static_cast<int>(forward.config.heads), static_cast<int>(forward.config.head_dim()),
      forward.variant.rows.total(), static_cast<std::int64_t>(forward.config.text_tokens));
  recording.attention(shape, b.text_query.data, b.text_key.data, b.text_value.data,
                      b.attended.data);
  recording.linear(name + ".out", b.attended, b.projected);
  record_gated(forward, b.x, nullptr, b.projected);
}

void cross_block(const Forward& forward, const std::string& name) {
  const StepBuffers& b = forward.buffers;
  Recording& recording = forward.recording;
  const std::int64_t hidden = forward.hidden();
  // A table of its own plus the time's share, which is the same in all blocks.
  recording.add([=, table = recording.model().vector(name + ".modulation"),
                 shared = b.text_modulation, to = b.modulation](cudaStream_t stream) {
    add_table(stream, table, shared, 6 * hidden, 6 * hidden, to);
  });
  record_modulated_norm(forward, b.x, part(b.modulation, 0, hidden), part(b.modulation, 1, hidden),
                        b.normed);
  SelfAttention attention(forward);
  attention.split(name + ".qkv", HeadNorm::kAllHeads, 0, b.normed);
  attention.attend(b.attended);
  recording.linear(name + ".attention_out", b.attended, b.projected);
  record_gated(forward, b.x, part(b.modulation, 2, hidden), b.projected);

  recording.add(
      [x = b.x, normed = b.normed, gain = recording.model().vector(name + ".text_norm.gain"),
       offset = recording.model().vector(name + ".text_norm.offset")](cudaStream_t stream) {
        layer_norm(stream, x, gain, offset, normed);
      });
  text_attention(forward, name + ".text_attention", b.normed);

  record_modulated_norm(forward, b.x, part(b.modulation, 3, hidden), part(b.modulation, 4, hidden),
                        b.normed);
  record_mlp(forward, name + ".mlp", b.normed, b.x, part(b.modulation, 5, hidden));
}

// SiLU(time) drives one modulation for all blocks; the last layer takes the time as it is.
void condition(const Forward& forward) {
  const StepBuffers& b = forward.buffers;
  const std::int64_t hidden = forward.hidden();
  record_time(forward);
  forward.recording.add([=, from = b.condition, to = b.steering](cudaStream_t stream) {
    silu(stream, from, hidden, to);
  });
  forward.recording.linear("modulation", b.steering, b.text_modulation);
  forward.recording.add([=, table = forward.recording.model().vector("final_modulation"),
                         from = b.condition, to = b.final_modulation](cudaStream_t stream) {
    add_table(stream, table, from, hidden, 2 * hidden, to);
  });
}

void text(const Forward& forward) {
  const StepBuffers& b = forward.buffers;
  const auto width = static_cast<std::int64_t>(forward.config.text_width);
  const ConstBf16Rows all{b.state.text[forward.pass],
                          static_cast<std::int64_t>(forward.config.text_tokens), width, width};
  forward.recording.linear("text_in", all, b.context_inner, GemmEpilogue::kBiasGelu);
  forward.recording.linear("text_out", b.context_inner, b.context);
}

}  // namespace

void record_cross_blocks(const Forward& forward) {
  condition(forward);
  text(forward);
  record_latents(forward);
  for (std::size_t i = 0; i < forward.config.blocks; ++i)
    cross_block(forward, fmt::format("blocks.{}", i));
}

}  // namespace regroup::cuda
