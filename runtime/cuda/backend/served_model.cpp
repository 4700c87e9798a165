#include "runtime/cuda/backend/served_model.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/errors.hpp"
#include "core/result_text.hpp"

namespace regroup::cuda {
namespace {

constexpr std::uint64_t round_up(std::uint64_t bytes) { return (bytes + 255) / 256 * 256; }

}  // namespace

const ServedShape& ServedModel::shape(Shape pixels, bool guided) const {
  const auto found = std::ranges::find_if(shapes, [&](const ServedShape& each) {
    return each.pixels == pixels && each.guided == guided;
  });
  if (found == shapes.end())
    fail<ConfigError>("{}: nothing was prepared for {}{}", config.name, text_of(pixels),
                      guided ? " with guidance" : "");
  return *found;
}

StateLayout state_layout(const dit::DitConfig& config, const dit::LatentShape& latents) {
  StateLayout layout;
  layout.pooled = round_up(2 * config.text_tokens * config.text_width);
  layout.latents = layout.pooled + round_up(4 * config.text_width);
  layout.end = layout.latents + round_up(4 * latents.tokens() * latents.token_width());
  return layout;
}

std::uint64_t largest_state(std::span<const ServedModel> models) {
  std::uint64_t largest = 0;
  for (const ServedModel& model : models)
    for (const ServedShape& shape : model.shapes)
      largest = std::max(largest, state_layout(model.config, shape.latents).end);
  return largest;
}

}  // namespace regroup::cuda
