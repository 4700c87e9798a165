#include "tiny_models.hpp"

#include <cmath>

#include "core/random.hpp"
#include "runtime/cuda/portable/bf16.hpp"

namespace regroup::cuda {
namespace {

dit::Matrix random_matrix(std::uint64_t seed, const char* name, std::size_t rows,
                          std::size_t cols) {
  RandomStream random(seed, name);
  dit::Matrix matrix(rows, cols);
  for (float& value : matrix.values) value = to_float(to_bf16(static_cast<float>(random.normal())));
  return matrix;
}

dit::Prompt random_prompt(const dit::DitConfig& config, std::uint64_t seed, const char* name) {
  return {random_matrix(seed, name, config.text_tokens, config.text_width),
          random_matrix(seed + 1, name, 1, config.text_width).values};
}

}  // namespace

dit::DitConfig tiny_model(Architecture architecture, std::size_t heads, std::size_t blocks) {
  const bool joint = architecture == Architecture::kJoint;
  dit::DitConfig config = dit::preset(joint ? "tiny-mmdit" : "tiny-cross");
  config.heads = heads;
  config.hidden = 64 * heads;
  config.mlp_hidden = config.hidden + 64;
  config.text_tokens = 8;
  config.time_features = 32;
  config.temporal_stride = 1;
  config.double_blocks = config.single_blocks = joint ? blocks : 0;
  config.blocks = joint ? 0 : 2 * blocks;
  config.rope_axes =
      joint ? std::array<std::size_t, 3>{8, 28, 28} : std::array<std::size_t, 3>{24, 20, 20};
  return config;
}

TinyStep tiny_step(const dit::DitConfig& config, Shape pixels, double guidance,
                   std::uint64_t seed) {
  TinyStep step;
  step.shape = dit::latent_shape(config, pixels);
  step.prompt = random_prompt(config, seed, "prompt");
  step.negative = random_prompt(config, seed, "negative");
  step.latents = dit::noise(step.shape, seed);
  step.guidance = guidance;
  return step;
}

dit::Matrix velocity(const TinyStep& step, const dit::Matrix& after) {
  dit::Matrix velocity = after;
  const auto distance = static_cast<float>(step.to - step.from);
  for (std::size_t i = 0; i < velocity.values.size(); ++i)
    velocity.values[i] = (after.values[i] - step.latents.values[i]) / distance;
  return velocity;
}

double relative_error(const dit::Matrix& a, const dit::Matrix& b) {
  if (a.values.size() != b.values.size()) return INFINITY;
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    difference += std::pow(double{a.values[i]} - double{b.values[i]}, 2);
    size += std::pow(double{b.values[i]}, 2);
  }
  return std::sqrt(difference / size);
}

}  // namespace regroup::cuda
