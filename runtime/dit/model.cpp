#include "runtime/dit/model.hpp"

#include <utility>

#include "core/errors.hpp"
#include "runtime/dit/block_parts.hpp"

namespace regroup::dit {
namespace {

DitConfig checked(DitConfig config) {
  check(config);
  return config;
}

}  // namespace

Dit::Dit(DitConfig config, WeightSource& weights)
    : config_(checked(std::move(config))),
      latent_in_(weights, "latent_in", config_.token_width(), config_.hidden),
      text_in_(weights, "text_in", config_.text_width, config_.hidden),
      time_in_(weights, "time_in", config_.time_features, config_.hidden),
      final_(weights, "final", config_.hidden, config_.token_width()) {
  const std::size_t hidden = config_.hidden;
  if (config_.architecture == DitConfig::Architecture::kJoint) {
    pooled_in_.emplace(weights, "pooled_in", config_.text_width, hidden);
    for (std::size_t i = 0; i < config_.double_blocks; ++i)
      blocks_.push_back(double_block(config_, weights, fmt::format("double_blocks.{}", i)));
    for (std::size_t i = 0; i < config_.single_blocks; ++i)
      blocks_.push_back(single_block(config_, weights, fmt::format("single_blocks.{}", i)));
    final_modulation_.emplace(weights, "final_modulation", hidden, 2 * hidden);
  } else {
    text_out_.emplace(weights, "text_out", hidden, hidden);
    modulation_.emplace(weights, "modulation", hidden, 6 * hidden);
    for (std::size_t i = 0; i < config_.blocks; ++i)
      blocks_.push_back(cross_block(config_, weights, fmt::format("blocks.{}", i)));
    final_table_ = read_vector(weights, "final_modulation", 2 * hidden);
  }
}

// FLUX: silu(time + pooled text) drives each block's own modulation. Wan: silu(time) drives one
// modulation, to which each block adds a table of its own.
void Dit::condition(const Prompt& prompt, double sigma, Activations& a) const {
  a.condition = time_in_(time_features(sigma, config_.time_features));
  std::vector<float> active = a.condition;
  const Rows row = one_row(active);
  if (pooled_in_) add_gated(row, {}, one_row((*pooled_in_)(prompt.pooled)));
  silu(row);
  if (modulation_)
    a.modulation = (*modulation_)(row).values;
  else
    a.condition = active;
}

Activations Dit::embed(const LatentShape& shape, const SequenceSplit& split, std::size_t rank,
                       const Prompt& prompt, double sigma, ConstRows latents) const {
  const std::size_t rows = split.tokens(rank).count, hidden = config_.hidden;
  const auto [first_text, text_rows] = split.text(rank);
  RG_CHECK(prompt.text.rows == config_.text_tokens && prompt.text.cols == config_.text_width &&
               prompt.pooled.size() == config_.text_width,
           "a prompt of {} tokens of {}", prompt.text.rows, prompt.text.cols);
  Activations a{.text_rows = text_rows,
                .x = Matrix(rows, hidden),
                .condition = {},
                .modulation = {},
                .context = {},
                .rope = RopeTable(config_, shape, split.tokens(rank)),
                .qkv = Matrix(rows, 3 * hidden),
                .attended = Matrix(rows, hidden),
                .normed = Matrix(rows, hidden),
                .text_modulation = {},
                .own_modulation = {}};
  condition(prompt, sigma, a);
  latent_in_.apply(latents, a.latents());
  if (text_out_) {
    a.context = text_in_(prompt.text.view());
    gelu_tanh(a.context.view());
    a.context = (*text_out_)(a.context.view());
  } else {
    text_in_.apply(prompt.text.view().slice(first_text, text_rows), a.text());
  }
  return a;
}

Matrix Dit::velocity(Activations& a) const {
  std::vector<float> shift_scale;
  if (final_modulation_) {
    shift_scale = (*final_modulation_)(one_row(a.condition)).values;
  } else {
    shift_scale = final_table_;
    for (std::size_t i = 0; i < shift_scale.size(); ++i)
      shift_scale[i] += a.condition[i % config_.hidden];
  }
  const Rows normed = a.normed.view().slice(a.text_rows, a.x.rows - a.text_rows);
  modulated_norm(a.latents(), part(shift_scale, 0, config_.hidden),
                 part(shift_scale, 1, config_.hidden), normed);
  return final_(normed);
}

}  // namespace regroup::dit
