#include "runtime/cuda/dit/step_buffers.hpp"

#include <algorithm>

namespace regroup::cuda {

StepState step_state(const dit::DitConfig& config, const dit::LatentShape& shape, int prompts,
                     Carver& carver) {
  const auto text_width = static_cast<std::int64_t>(config.text_width);
  StepState state;
  for (int prompt = 0; prompt < prompts; ++prompt) {
    state.text[prompt] =
        carver.take<Bf16>(static_cast<std::int64_t>(config.text_tokens) * text_width);
    if (config.architecture == dit::DitConfig::Architecture::kJoint)
      state.pooled[prompt] = carver.take<float>(text_width);
  }
  state.latents = carver.take_rows<float>(static_cast<std::int64_t>(shape.tokens()),
                                          static_cast<std::int64_t>(shape.token_width()));
  return state;
}

StepBuffers step_buffers(const dit::DitConfig& config, const StepVariant& variant, Carver& carver) {
  const auto hidden = static_cast<std::int64_t>(config.hidden);
  const auto text_tokens = static_cast<std::int64_t>(config.text_tokens);
  const auto text_width = static_cast<std::int64_t>(config.text_width);
  const auto mlp = static_cast<std::int64_t>(config.mlp_hidden);
  const auto tokens = static_cast<std::int64_t>(variant.shape.tokens());
  const auto token_width = static_cast<std::int64_t>(variant.shape.token_width());
  const std::int64_t rows = variant.rows.total(), latents = variant.rows.latents;
  const std::int64_t sequence = tokens + static_cast<std::int64_t>(config.joint_text());
  const std::int64_t own_heads = hidden / variant.layout.ulysses;
  const bool joint = config.architecture == dit::DitConfig::Architecture::kJoint;

  StepBuffers b;
  b.state = step_state(config, variant.shape, variant.passes(), carver);

  b.time = carver.take<float>(static_cast<std::int64_t>(config.time_features));
  b.inner = carver.take<float>(hidden);
  b.condition = carver.take<float>(hidden);
  b.steering = carver.take<float>(hidden);
  b.modulation = carver.take<float>(6 * hidden);
  b.text_modulation = carver.take<float>(6 * hidden);
  b.final_modulation = carver.take<float>(2 * hidden);

  b.own_text = carver.take_rows<Bf16>(variant.rows.text, text_width);
  b.own_latents = carver.take_rows<Bf16>(latents, token_width);
  b.x = carver.take_rows<Bf16>(rows, hidden);
  b.normed = carver.take_rows<Bf16>(rows, hidden);
  b.wide = carver.take_rows<Bf16>(rows, std::max(3 * hidden, joint ? hidden + mlp : mlp));
  b.attended = carver.take_rows<Bf16>(rows, hidden);
  b.projected = carver.take_rows<Bf16>(rows, hidden);
  b.heads = carver.take<Bf16>(3 * sequence * own_heads);
  if (!joint) {
    b.context = carver.take_rows<Bf16>(text_tokens, hidden);
    b.context_inner = carver.take_rows<Bf16>(text_tokens, hidden);
    b.text_query = carver.take_rows<Bf16>(rows, hidden);
    b.text_key = carver.take_rows<Bf16>(text_tokens, hidden);
    b.text_value = carver.take_rows<Bf16>(text_tokens, hidden);
  }
  // Of the pair in one piece, since one exchange writes both.
  const FloatRows both = carver.take_rows<float>((variant.guided ? 2 : 1) * latents, token_width);
  b.velocity[0] = both.slice(0, latents);
  if (variant.guided) b.velocity[1] = both.slice(latents, latents);
  return b;
}

std::uint64_t step_buffer_bytes(const dit::DitConfig& config, const StepVariant& variant) {
  Carver counting;
  step_buffers(config, variant, counting);
  return counting.used();
}

std::uint64_t staging_bytes(const dit::DitConfig& config, const StepVariant& variant) {
  const auto rows = static_cast<std::uint64_t>(variant.rows.total());
  const auto latents = static_cast<std::uint64_t>(variant.rows.latents);
  const std::uint64_t velocity = latents * variant.shape.token_width() * sizeof(float);
  if (variant.layout.ulysses == 1) return variant.layout.cfg == 2 ? velocity : 0;
  const std::uint64_t sequence = config.joint_text() + variant.shape.tokens();
  return std::max({3 * rows * config.hidden * sizeof(Bf16),
                   sequence * config.hidden / variant.layout.ulysses * sizeof(Bf16), velocity});
}

}  // namespace regroup::cuda
