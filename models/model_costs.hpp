// What each stage of one model takes on one kind of GPU: measured where it was measured.
#pragma once

#include <memory>
#include <vector>

#include "models/analytic.hpp"
#include "models/estimate.hpp"
#include "models/library.hpp"
#include "models/measured.hpp"
#include "models/quadratic.hpp"

namespace regroup::models {

class ModelCosts {
 public:
  // Knows nothing measured at first. Card and library must outlive this.
  ModelCosts(const Library& library, const ModelCard& card, const GpuKind& gpu, int gpus_per_node);

  MeasuredModel& measured() { return measured_; }
  // Preferred to what is measured. `only`: layouts without a file are not listed.
  void use(std::shared_ptr<const QuadraticCosts> quadratic, bool only) {
    quadratic_ = std::move(quadratic);
    only_quadratic_ = only;
  }

  const ModelCard& card() const { return *card_; }
  bool quadratic() const { return quadratic_ != nullptr; }

  // The layouts worth listing: the form that was measured for each size, else the usual one.
  std::vector<Layout> layouts(std::size_t stage, int forwards, int gpus) const;

  // One step, or the whole of another stage, of one request. The layout must be one that the stage
  // can have.
  Estimate estimate(std::size_t stage, Shape shape, int forwards, Layout layout) const;
  // How many times as long that takes for a batch of requests of one shape. Nothing was measured in
  // batches: the analytic form says how a step grows, other stages take one request at a time.
  double batch_factor(std::size_t stage, Shape shape, int forwards, Layout layout, int batch) const;
  // Of denoising, and without what is measured.
  double analytic_step(Shape shape, int forwards, Layout layout, int batch) const;

 private:
  Estimate step(Shape shape, int forwards, Layout layout) const;
  Estimate quadratic_step(Shape shape, int forwards, Layout layout) const;
  Estimate other_stage(std::size_t stage, Shape shape, Layout layout) const;

  const ModelCard* card_;
  AnalyticCosts analytic_;
  MeasuredModel measured_;
  std::shared_ptr<const QuadraticCosts> quadratic_;
  bool only_quadratic_ = false;
};

}  // namespace regroup::models
