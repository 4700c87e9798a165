#include "models/model_costs.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "models/layouts.hpp"

namespace regroup::models {

ModelCosts::ModelCosts(const Library& library, const ModelCard& card, const GpuKind& gpu,
                       int gpus_per_node)
    : card_(&card),
      analytic_(gpu, library.analytic(), library.collectives(gpu, gpus_per_node)),
      measured_(card) {}

std::vector<Layout> ModelCosts::layouts(std::size_t stage, int forwards, int gpus) const {
  std::map<int, Layout> by_size;
  for (const Layout layout : usual_layouts(*card_, stage, forwards, gpus))
    if (!only_quadratic_ || layout.size() == 1) by_size[layout.size()] = layout;
  if (stage == card_->stages.denoise() || only_quadratic_) {
    for (const Layout layout :
         quadratic_ != nullptr ? quadratic_->layouts() : measured_.layouts(forwards))
      if (layout.size() <= gpus && why_not(*card_, stage, forwards, layout).empty())
        by_size[layout.size()] = layout;
  }
  std::vector<Layout> layouts;
  for (const auto& [size, layout] : by_size) layouts.push_back(layout);
  return layouts;
}

double ModelCosts::analytic_step(Shape shape, int forwards, Layout layout, int batch) const {
  return analytic_.step(step_work(*card_, shape, forwards, layout, batch));
}

Estimate ModelCosts::estimate(std::size_t stage, Shape shape, int forwards, Layout layout) const {
  if (stage == card_->stages.denoise()) return step(shape, forwards, layout);
  return other_stage(stage, shape, layout);
}

double ModelCosts::batch_factor(std::size_t stage, Shape shape, int forwards, Layout layout,
                                int batch) const {
  if (stage != card_->stages.denoise()) return batch;
  return analytic_step(shape, forwards, layout, batch) / analytic_step(shape, forwards, layout, 1);
}

Estimate ModelCosts::step(Shape shape, int forwards, Layout layout) const {
  if (quadratic_ != nullptr) return quadratic_step(shape, forwards, layout);
  const std::optional<Estimate> measured =
      measured_.step(shape, forwards, layout,
                     [this](Shape s, int f, Layout l) { return analytic_step(s, f, l, 1); });
  if (measured) return *measured;
  return {analytic_step(shape, forwards, layout, 1), Estimate::Source::kAnalytic, false,
          "FLOPs at fitted rates, models/data/analytic.json"};
}

Estimate ModelCosts::quadratic_step(Shape shape, int forwards, Layout layout) const {
  if (const std::optional<double> time = quadratic_->step(*card_, shape, forwards, layout))
    return {*time, Estimate::Source::kQuadratic, false, quadratic_->source()};
  const std::vector<Layout> known = quadratic_->layouts();
  const Layout near = *std::min_element(known.begin(), known.end(), [&](Layout a, Layout b) {
    const auto distance = [&](Layout l) {
      return std::abs(std::log2(static_cast<double>(l.size()) / layout.size()));
    };
    return distance(a) < distance(b);
  });
  const double ratio = *quadratic_->step(*card_, shape, forwards, near) /
                       analytic_step(shape, std::max<int>(forwards, near.cfg), near, 1);
  return {ratio * analytic_step(shape, forwards, layout, 1), Estimate::Source::kQuadratic, true,
          quadratic_->source()};
}

Estimate ModelCosts::other_stage(std::size_t stage, Shape shape, Layout layout) const {
  if (quadratic_ != nullptr)
    return {quadratic_->stage(*card_, card_->stages.stage(stage), shape, layout),
            Estimate::Source::kQuadratic, false, quadratic_->source()};
  // On several GPUs (a decoder that works in tiles): a share each.
  if (std::optional<Estimate> measured = measured_.stage(stage, shape)) {
    measured->seconds /= layout.size();
    return *measured;
  }
  const StageTime& time = card_->stage_specs[stage].time;
  const double voxels = static_cast<double>(shape.width) * shape.height * shape.frames;
  return {(time.seconds + time.seconds_per_voxel * voxels) / layout.size(),
          Estimate::Source::kAnalytic, false, time.gpu + ": " + time.source};
}

}  // namespace regroup::models
