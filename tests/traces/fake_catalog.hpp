// A catalog with three models and costs that can be worked out by hand.
#pragma once

#include <array>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/catalog.hpp"
#include "core/errors.hpp"

namespace regroup::traces {

// T1 of a request, in milliseconds, is that of GF-DiT's synthetic cost model at sequence parallel
// degree 1: 55 + 50 + 2 + steps * 0.1323 * tokens + (100 + 9e-8 * voxels) + 0.5, with tokens as the
// Wan2.2 VAE counts them. Denoising on k GPUs is `speed_up[k]` times as fast.
class FakeCatalog final : public Catalog, private CostModel {
 public:
  std::map<int, double> speed_up = {{1, 1}, {2, 1.82}, {4, 3.33}, {8, 5.88}};
  mutable int standalone_calls = 0;

  std::span<const Node> nodes() const override { return {}; }
  std::span<const Gpu> gpus() const override { return {}; }

  std::optional<ModelId> find_model(std::string_view name) const override {
    for (std::uint32_t i = 0; i < names_.size(); ++i) {
      if (names_[i] == name) return ModelId{i};
    }
    return std::nullopt;
  }
  const std::string& model_name(ModelId model) const override { return names_[model.value]; }
  const StageGraph& stages(ModelId) const override { return stages_; }

  ShapeId intern(ModelId model, Shape shape, double guidance) override {
    if (shape.width % 16 != 0) {
      fail<ConfigError>("{}: width {} is not a multiple of 16", model_name(model), shape.width);
    }
    const auto key = std::tuple(model, shape, guidance > 1);
    const auto next = ShapeId{static_cast<std::uint32_t>(shapes_.size())};
    const auto [found, is_new] = ids_.emplace(key, next);
    if (is_new) shapes_.push_back(shape);
    return found->second;
  }

  std::span<const Layout> layouts(ShapeId, std::size_t) const override { return layouts_; }
  std::string why_not(ShapeId, std::size_t, Layout) const override { return {}; }
  std::int64_t memory_bytes(ShapeId, std::size_t, Layout, int) const override { return 0; }
  const CostModel& cost() const override { return *this; }
  Migration migration(const Task&, const Group&) const override { return {}; }
  Duration form(const Group&) override { return {}; }

  Duration standalone(ShapeId id, int steps, int gpus) const override {
    ++standalone_calls;
    const Shape shape = shapes_[id.value];
    const double voxels = double(shape.width) * shape.height * shape.frames;
    const double rest_ms = 55 + 50 + 2 + 100 + 9e-8 * voxels + 0.5;
    return from_seconds(rest_ms / 1e3 + steps * step_seconds(shape) / speed_up.at(gpus));
  }

  static double step_seconds(Shape shape) {
    const int tokens = (shape.frames + 3) / 4 * (shape.height / 16 / 2) * (shape.width / 16 / 2);
    return 0.1323e-3 * tokens;
  }

 private:
  Duration predict(const Task& task, Layout layout, int steps, int) const override {
    return from_seconds(steps * step_seconds(task.shape) / speed_up.at(layout.size()));
  }
  Duration remaining(const Task&, int) const override { return {}; }
  Duration setup(const Group&) const override { return {}; }
  Duration migrate(const Task&, const Group&) const override { return {}; }
  Duration dispatch() const override { return {}; }

  std::vector<std::string> names_ = {"FLUX.1-dev", "Qwen-Image", "Wan2.2-TI2V-5B"};
  StageGraph stages_ = StageGraph::chain();
  std::array<Layout, 4> layouts_ = {Layout{}, Layout{1, 2, 1, 1}, Layout{1, 4, 1, 1},
                                    Layout{1, 8, 1, 1}};
  std::vector<Shape> shapes_;
  std::map<std::tuple<ModelId, Shape, bool>, ShapeId> ids_;
};

}  // namespace regroup::traces
