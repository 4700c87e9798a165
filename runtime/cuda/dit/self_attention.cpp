#include <algorithm>

#include "runtime/cuda/dit/forward.hpp"

namespace regroup::cuda {
namespace {

collectives::TensorShape tensor_shape(const Forward& forward, std::uint32_t tensors) {
  const dit::DitConfig& config = forward.config;
  collectives::TensorShape shape;
  shape.tokens = config.joint_text() + forward.variant.shape.tokens();
  shape.leading = static_cast<std::uint32_t>(config.joint_text());
  shape.heads = static_cast<std::uint32_t>(config.heads);
  shape.head_bytes = static_cast<std::uint32_t>(config.head_dim() * sizeof(Bf16));
  shape.tensors = tensors;
  return shape;
}

}  // namespace

SelfAttention::SelfAttention(const Forward& forward)
    : forward_(forward), alone_(forward.variant.layout.ulysses == 1) {
  if (alone_) {
    split_ = forward.buffers.heads;
  } else {
    slot_ = forward.recording.reserve();
    split_ = reinterpret_cast<Bf16*>(forward.recording.staging(slot_));
  }
}

void SelfAttention::split(const std::string& name, HeadNorm norm, std::int64_t first,
                          ConstBf16Rows normed) {
  if (normed.rows == 0) return;
  Recording& recording = forward_.recording;
  const std::int64_t hidden = forward_.hidden();
  // Dense rows of 3 hidden in the memory of `wide`, whose own rows are longer.
  const Bf16Rows packed{forward_.buffers.wide.data + first * 3 * hidden, normed.rows, 3 * hidden,
                        3 * hidden};
  recording.linear(name, normed, packed);

  HeadInputs inputs;
  inputs.projected = packed;
  inputs.query_gain = recording.model().vector(name + ".query_gain");
  inputs.key_gain = recording.model().vector(name + ".key_gain");
  inputs.norm = norm;
  inputs.heads = static_cast<int>(forward_.config.heads);
  inputs.head_dim = static_cast<int>(forward_.config.head_dim());
  inputs.rope = recording.model().rope(forward_.variant.shape);
  inputs.first_latent = &forward_.parameters->first_latent;
  inputs.text_rows = std::max<std::int64_t>(forward_.variant.rows.text - first, 0);
  Bf16* const out = split_ + first * hidden;
  const std::int64_t plane = forward_.variant.rows.total() * hidden;
  recording.add([=](cudaStream_t stream) { split_heads(stream, inputs, out, plane); });
}

void SelfAttention::attend(Bf16Rows attended) {
  Recording& recording = forward_.recording;
  const StepBuffers& buffers = forward_.buffers;
  const collectives::TensorShape qkv = tensor_shape(forward_, 3);
  if (!alone_)
    recording.exchange({collectives::Op::kSeqToHeads, Among::kBranch, qkv, slot_,
                        reinterpret_cast<std::byte*>(buffers.heads)});

  const int own_heads = static_cast<int>(forward_.config.heads) / forward_.variant.layout.ulysses;
  const auto tokens = static_cast<std::int64_t>(qkv.tokens);
  AttentionShape shape =
      packed_attention(own_heads, static_cast<int>(forward_.config.head_dim()), tokens, tokens);
  const std::int64_t plane = tokens * shape.q_row;
  const Bf16* const q = buffers.heads;
  if (alone_) {
    shape.o_row = attended.pitch;
    recording.attention(shape, q, q + plane, q + 2 * plane, attended.data);
    return;
  }
  const int slot = recording.reserve();
  recording.attention(shape, q, q + plane, q + 2 * plane,
                      reinterpret_cast<Bf16*>(recording.staging(slot)));
  // Dense where it arrives.
  recording.exchange({collectives::Op::kHeadsToSeq, Among::kBranch, tensor_shape(forward_, 1), slot,
                      reinterpret_cast<std::byte*>(buffers.attended.data)});
  if (attended.data != buffers.attended.data)
    recording.add([from = buffers.attended, attended](cudaStream_t stream) {
      copy_rows(stream, from, attended);
    });
}

}  // namespace regroup::cuda
