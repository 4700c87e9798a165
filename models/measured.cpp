#include "models/measured.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "core/errors.hpp"
#include "models/layouts.hpp"

namespace regroup::models {
namespace {

// How much faster another layout must be to be listed instead of Ulysses.
constexpr double kWorthIt = 0.9;

double voxels(Shape shape) {
  return static_cast<double>(shape.width) * shape.height * shape.frames;
}

bool ulysses_alone(Layout layout) { return layout.ulysses == layout.size(); }

}  // namespace

std::vector<MeasuredModel::Point>::const_iterator MeasuredModel::at_or_above(
    const std::vector<Point>& points, double x) {
  return std::lower_bound(points.begin(), points.end(), x,
                          [](const Point& point, double at) { return point.x < at; });
}

void MeasuredModel::insert(std::vector<Point>& points, Point point) {
  const auto at = points.begin() + (at_or_above(points, point.x) - points.cbegin());
  if (at != points.end() && at->x == point.x)
    *at = std::move(point);
  else
    points.insert(at, std::move(point));
}

void MeasuredModel::add(const Calibration& calibration, int rank,
                        std::optional<std::size_t> leave_out) {
  const std::size_t denoise = card_->stages.denoise();
  const auto check = [&](const std::string& rule) {
    if (!rule.empty()) fail<ConfigError>("calibration '{}': {}", calibration.source, rule);
  };
  for (std::size_t i = 0; i < calibration.steps.size(); ++i) {
    const CalibrationStep& step = calibration.steps[i];
    check(card_->why_not(step.shape));
    check(why_not(*card_, denoise, step.forwards, step.layout));
    if (step.use == CalibrationStep::Use::kCheck || i == leave_out) continue;
    auto series = std::find_if(steps_.begin(), steps_.end(), [&](const Series& s) {
      return s.forwards == step.forwards && s.layout == step.layout;
    });
    if (series == steps_.end())
      series = steps_.insert(steps_.end(), Series{step.forwards, step.layout, rank, {}});
    if (series->rank < rank) *series = {step.forwards, step.layout, rank, {}};
    insert(series->points, {static_cast<double>(card_->latent_tokens(step.shape)), step.shape,
                            step.seconds, calibration.source});
  }
  for (const CalibrationStage& row : calibration.stages) {
    check(card_->why_not(row.shape));
    std::size_t stage = 0;
    while (stage < stages_.size() && card_->stages.stage(stage).name != row.stage) ++stage;
    if (stage == stages_.size() || stage == denoise)
      check(fmt::format("stage '{}' is none of {} that is timed alone", row.stage, card_->name));
    insert(stages_[stage], {voxels(row.shape), row.shape, row.seconds, calibration.source});
  }
}

const MeasuredModel::Series* MeasuredModel::nearest(int forwards, Layout layout) const {
  const Series* best = nullptr;
  const auto distance = [&](const Series& s) {
    const double size = std::abs(std::log2(static_cast<double>(s.layout.size()) / layout.size()));
    return std::tuple(s.layout != layout || s.forwards != forwards, size, s.forwards != forwards,
                      -s.rank, !ulysses_alone(s.layout));
  };
  for (const Series& series : steps_)
    if (best == nullptr || distance(series) < distance(*best)) best = &series;
  return best;
}

std::optional<Estimate> MeasuredModel::between(const std::vector<Point>& points, double x) {
  const auto above = at_or_above(points, x);
  if (above == points.end() || (above == points.begin() && above->x != x)) return std::nullopt;
  double seconds = above->seconds;
  if (above->x != x) {
    const Point& below = *std::prev(above);
    seconds = below.seconds + (x - below.x) / (above->x - below.x) * (seconds - below.seconds);
  }
  return Estimate{seconds, Estimate::Source::kCalibrated, false, above->source};
}

std::optional<Estimate> MeasuredModel::step(Shape shape, int forwards, Layout layout,
                                            const Analytic& analytic) const {
  const Series* series = nearest(forwards, layout);
  if (series == nullptr) return std::nullopt;
  const std::vector<Point>& points = series->points;
  const auto x = static_cast<double>(card_->latent_tokens(shape));
  if (series->layout == layout && series->forwards == forwards)
    if (const std::optional<Estimate> inside = between(points, x)) return inside;

  auto near = at_or_above(points, x);
  if (near == points.end() || (near != points.begin() && x / std::prev(near)->x < near->x / x))
    --near;
  const double ratio = near->seconds / analytic(near->shape, series->forwards, series->layout);
  return Estimate{ratio * analytic(shape, forwards, layout), Estimate::Source::kCalibrated, true,
                  near->source};
}

std::optional<Estimate> MeasuredModel::stage(std::size_t stage, Shape shape) const {
  const std::vector<Point>& points = stages_[stage];
  if (points.empty()) return std::nullopt;
  const double x = voxels(shape);
  if (const std::optional<Estimate> inside = between(points, x)) return inside;
  const Point& near = x < points.front().x ? points.front() : points.back();
  return Estimate{near.seconds * x / near.x, Estimate::Source::kCalibrated, true, near.source};
}

std::vector<Layout> MeasuredModel::layouts(int forwards) const {
  const auto slower = [](const Series& a, const Series& b) {
    const auto time = [](const Series& s) {
      return s.points.back().seconds * (ulysses_alone(s.layout) ? kWorthIt : 1);
    };
    return std::tuple(-a.rank, -static_cast<int>(a.points.size()), time(a), a.layout) >
           std::tuple(-b.rank, -static_cast<int>(b.points.size()), time(b), b.layout);
  };
  std::map<int, const Series*> best;
  for (const Series& series : steps_) {
    if (series.forwards != forwards) continue;
    const Series*& of_size = best[series.layout.size()];
    if (of_size == nullptr || slower(*of_size, series)) of_size = &series;
  }
  std::vector<Layout> layouts;
  for (const auto& [size, series] : best) layouts.push_back(series->layout);
  return layouts;
}

}  // namespace regroup::models
