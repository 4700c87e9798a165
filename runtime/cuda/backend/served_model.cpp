#include "runtime/cuda/backend/served_model.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/errors.hpp"
#include "core/result_text.hpp"

namespace regroup::cuda {
namespace {

// Guidance and Ulysses parallelism in every combination that the model allows.
std::vector<Layout> layouts_of(const Catalog& catalog, ShapeId shape, std::size_t stage,
                               int ranks) {
  std::vector<Layout> layouts;
  for (std::uint8_t cfg = 1; cfg <= 2; ++cfg)
    for (std::uint8_t ulysses = 1; cfg * ulysses <= ranks; ++ulysses)
      if (const Layout layout{.cfg = cfg, .ulysses = ulysses};
          catalog.why_not(shape, stage, layout).empty())
        layouts.push_back(layout);
  return layouts;
}

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

std::vector<ServedModel> served_models(Catalog& catalog, std::span<const WantedShape> wanted,
                                       int ranks) {
  std::vector<ServedModel> models;
  for (const WantedShape& want : wanted) {
    auto model = std::ranges::find(models, want.model, &ServedModel::id);
    if (model == models.end()) {
      models.push_back({.id = want.model,
                        .config = dit::preset(catalog.model_name(want.model)),
                        .weights = {},
                        .shapes = {}});
      model = models.end() - 1;
    }
    const ShapeId id = catalog.intern(want.model, want.shape, want.guidance);
    const std::size_t stage = catalog.stages(want.model).denoise();
    const bool guided = catalog.why_not(id, stage, {.cfg = 2}).empty();
    const auto same = [&](const ServedShape& each) {
      return each.pixels == want.shape && each.guided == guided;
    };
    if (std::ranges::any_of(model->shapes, same)) continue;
    model->shapes.push_back({.pixels = want.shape,
                             .guided = guided,
                             .latents = dit::latent_shape(model->config, want.shape),
                             .layouts = layouts_of(catalog, id, stage, ranks)});
  }
  return models;
}

}  // namespace regroup::cuda
