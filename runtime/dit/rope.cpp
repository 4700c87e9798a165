#include "runtime/dit/rope.hpp"

#include <cmath>

namespace regroup::dit {
namespace {

constexpr double kBase = 10000;

}  // namespace

RopeTable::RopeTable(const DitConfig& config, const LatentShape& shape, SequenceSplit::Range tokens)
    : cos_(tokens.count, config.head_dim() / 2), sin_(tokens.count, config.head_dim() / 2) {
  for (std::size_t i = 0; i < tokens.count; ++i) {
    const std::size_t position = tokens.first + i;
    const std::size_t text = config.joint_text();
    if (position < text) {
      for (float& c : cos_.row(i)) c = 1;
      continue;
    }
    const std::size_t latent = position - text;
    const std::size_t at[3] = {latent / (shape.rows() * shape.columns()),
                               latent / shape.columns() % shape.rows(), latent % shape.columns()};
    std::size_t pair = 0;
    for (std::size_t axis = 0; axis < 3; ++axis)
      for (std::size_t k = 0; k < config.rope_axes[axis]; k += 2, ++pair) {
        const double width = static_cast<double>(config.rope_axes[axis]);
        const double angle =
            static_cast<double>(at[axis]) * std::pow(kBase, -static_cast<double>(k) / width);
        cos_.row(i)[pair] = static_cast<float>(std::cos(angle));
        sin_.row(i)[pair] = static_cast<float>(std::sin(angle));
      }
  }
}

void RopeTable::turn(std::size_t i, const float* head, float* out) const {
  const std::span<const float> c = cos_.row(i), s = sin_.row(i);
  for (std::size_t pair = 0; pair < cos_.cols; ++pair) {
    const float a = head[2 * pair], b = head[2 * pair + 1];
    out[2 * pair] = a * c[pair] - b * s[pair];
    out[2 * pair + 1] = a * s[pair] + b * c[pair];
  }
}

}  // namespace regroup::dit
