// The state of a Platform, and the predictions made from it.
#pragma once

#include <array>
#include <limits>
#include <map>
#include <tuple>

#include "core/errors.hpp"
#include "models/cluster.hpp"
#include "models/communicators.hpp"
#include "models/migration.hpp"
#include "models/model_costs.hpp"
#include "models/platform.hpp"

namespace regroup::models {

// One shape that occurs in the run, with what has been predicted for it.
struct ShapeEntry {
  // What is left from a stage on, on groups of up to so many GPUs.
  struct Rest {
    double step = std::numeric_limits<double>::quiet_NaN();  // of this stage; NaN: not asked yet
    double later = 0;                                        // all stages after it
  };
  struct OfStage {
    std::vector<Layout> layouts;
    std::vector<double> seconds;  // by LayoutIndex; NaN: not asked yet. Of one step, batch 1
    // By GPUs, from 1; empty for what comes before denoising: its rest depends on the steps.
    std::vector<Rest> rest;
  };

  ModelId model{};
  Shape shape{};
  int forwards = 1;
  std::vector<OfStage> stages;
};

// All shapes and all times of one run. Not for several threads: asking fills the tables.
class PlatformCosts final : public CostModel {
 public:
  PlatformCosts(const Library& library, const ClusterSpec& cluster, const PlatformOptions& options);

  // See Catalog.
  ShapeId intern(ModelId model, Shape shape, double guidance);
  const ShapeEntry& entry(ShapeId shape) const {
    RG_CHECK(shape.value < shapes_.size(), "shape {} of {}", shape.value, shapes_.size());
    return shapes_[shape.value];
  }
  const ModelCosts& model(ModelId model) const { return *models_[model.value]; }
  Duration standalone(ShapeId shape, int steps, int gpus) const;
  Duration form(const Group& group);
  Migration migration(const Task& task, const Group& to) const;
  Semantics semantics() const { return semantics_ ? semantics_->rules : Semantics{}; }

  // See CostModel.
  Duration predict(const Task& task, Layout layout, int steps, int batch) const override;
  Duration remaining(const Task& task, int gpus) const override;
  Duration setup(const Group& group) const override;
  Duration migrate(const Task& task, const Group& to) const override;
  Duration dispatch() const override { return dispatch_; }

 private:
  void read_calibrations(const PlatformOptions& options);
  void add(const Calibration& calibration, int rank, const std::string& file);
  void use_quadratic(std::shared_ptr<const QuadraticCosts> quadratic,
                     const PlatformOptions& options);

  // By stage, each as wide as it may be: one step, or the whole of another stage, times `steps`.
  using StageTimes = std::array<double, StageGraph::kMaxStages>;
  StageTimes times_on(ShapeId shape, int gpus) const;

  // remaining() where the answer is not in the tables: puts it there if that has a place for it.
  Duration remaining_asked_first(const Task& task, int gpus) const;

  // One step, or the whole of another stage. Throws PolicyError for a layout it cannot have.
  double seconds(ShapeId shape, std::size_t stage, Layout layout) const;
  double seconds_asked_first(ShapeEntry& entry, std::size_t stage, Layout layout) const;

  const Library& library_;
  const ClusterSpec& cluster_;
  PlatformOptions::Groups groups_;
  Communicators communicators_;
  std::optional<SemanticsSpec> semantics_;  // nullopt: ours
  std::vector<ModelCard> cards_;            // by ModelId, as these semantics have them
  Duration setup_{}, dispatch_{};
  std::vector<std::unique_ptr<ModelCosts>> models_;  // by ModelId
  mutable std::vector<ShapeEntry> shapes_;           // by ShapeId; predictions fill in as asked
  std::map<std::tuple<ModelId, Shape, int>, ShapeId> ids_;
};

}  // namespace regroup::models
