// The measurements of one model on one kind of GPU, and what follows from them for other shapes.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "models/calibration.hpp"
#include "models/card.hpp"
#include "models/estimate.hpp"

namespace regroup::models {

class MeasuredModel {
 public:
  // The analytic time of a step.
  using Analytic = std::function<double(Shape shape, int forwards, Layout layout)>;

  // The card must outlive this.
  explicit MeasuredModel(const ModelCard& card) : card_(&card) {}

  // Takes the steps that are not only to check with, except for one of them (`leave_out`, an index
  // of calibration.steps), and the stages. `rank`: a series of steps of a higher rank takes the
  // place of one of a lower rank; within a rank, of two measurements with equally many tokens the
  // later stays. Throws ConfigError for a shape or layout that the model cannot have.
  void add(const Calibration& calibration, int rank,
           std::optional<std::size_t> leave_out = std::nullopt);

  // Between two measurements of the same passes and layout: the straight line in tokens. Else the
  // analytic form times measured / analytic of the nearest measurement: of the same layout if there
  // is one, else of the most similar size, preferring the same passes. nullopt: nothing measured.
  std::optional<Estimate> step(Shape shape, int forwards, Layout layout,
                               const Analytic& analytic) const;

  // The straight line in voxels between two measurements, or the nearest one scaled by voxels.
  std::optional<Estimate> stage(std::size_t stage, Shape shape) const;

  // The layout measured for each size, ascending: the one measured at most shapes, and of several
  // the one by Ulysses alone, unless another is more than a tenth faster at its largest shape.
  std::vector<Layout> layouts(int forwards) const;

 private:
  struct Point {
    double x = 0;  // tokens; of a stage, voxels
    Shape shape{};
    double seconds = 0;
    std::string source;
  };
  struct Series {
    int forwards = 1;
    Layout layout{};
    int rank = 0;
    std::vector<Point> points;  // by x
  };

  static std::vector<Point>::const_iterator at_or_above(const std::vector<Point>& points, double x);
  static void insert(std::vector<Point>& points, Point point);
  // nullopt outside of the points.
  static std::optional<Estimate> between(const std::vector<Point>& points, double x);
  const Series* nearest(int forwards, Layout layout) const;

  const ModelCard* card_;
  std::vector<Series> steps_;
  std::vector<std::vector<Point>> stages_ = std::vector<std::vector<Point>>(card_->stages.size());
};

}  // namespace regroup::models
