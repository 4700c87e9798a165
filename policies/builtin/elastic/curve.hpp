// How long the requests of one kind take at each width.
#pragma once

#include <array>
#include <map>
#include <tuple>

#include "regroup/policy/cluster_view.hpp"

namespace regroup::elastic {

// What is left of a request, by the width that it gets from now on. A width is listed if it is
// faster than all narrower ones: what costs more and brings nothing is not worth considering.
struct Curve {
  static constexpr std::size_t kMaxWidths = 12;

  std::size_t widths = 0;                       // at least 1
  std::array<std::int16_t, kMaxWidths> gpus{};  // ascending
  std::array<double, kMaxWidths> step{};        // seconds of one step of the task
  std::array<double, kMaxWidths> after{};       // seconds of the stages after it
  int widest_now = 1;                           // what the task itself can have
  double alone = 0;                             // seconds of the whole rest, narrowest width

  double left(std::size_t width, int steps) const { return steps * step[width] + after[width]; }
  // Index of the widest of at most `limit` GPUs; 0 if none is that narrow.
  std::size_t within(int limit) const {
    std::size_t best = 0;
    for (std::size_t i = 0; i < widths; ++i)
      if (gpus[i] <= limit) best = i;
    return best;
  }
};

// Asks the cost model once for each kind of task. References stay valid.
class CurveTable {
 public:
  const Curve& of(const ClusterView& view, const Task& task) {
    const Key key{task.shape_id, task.stage, task.denoise_steps};
    const auto found = curves_.find(key);
    if (found != curves_.end()) return found->second;
    return curves_.emplace(key, make(view, task)).first->second;
  }

 private:
  using Key = std::tuple<ShapeId, std::uint8_t, std::int32_t>;
  static constexpr double kFaster = 0.005;  // the least relative gain for which a width is listed

  static Curve make(const ClusterView& view, const Task& task) {
    int node_size = 1;
    for (const Node& node : view.nodes()) node_size = std::max(node_size, node.count);
    const auto layouts = task.layouts;
    Curve curve;
    if (task.kind == StageKind::kDenoise) {
      for (const Layout& layout : layouts) add(curve, view, task, layout.size(), node_size);
      curve.widest_now = curve.gpus[curve.widths - 1];
    } else {  // the widths that matter are those of a later stage
      for (int width = 1; width <= node_size; width *= 2) add(curve, view, task, width, node_size);
      curve.widest_now = layouts.back().size();
    }
    curve.alone = curve.left(0, task.steps_total);
    return curve;
  }

  static void add(Curve& curve, const ClusterView& view, const Task& task, int width,
                  int node_size) {
    if (curve.widths == Curve::kMaxWidths || (curve.widths > 0 && width > node_size)) return;
    Task rest = task;
    rest.steps_done = rest.steps_total;
    const double after = to_seconds(view.cost().remaining(rest, width));
    --rest.steps_done;
    const double step = to_seconds(view.cost().remaining(rest, width)) - after;
    const double whole = task.steps_total * step + after;
    if (curve.widths > 0 && whole > (1 - kFaster) * curve.left(curve.widths - 1, task.steps_total))
      return;
    curve.gpus[curve.widths] = static_cast<std::int16_t>(width);
    curve.step[curve.widths] = step;
    curve.after[curve.widths++] = after;
  }

  std::map<Key, Curve> curves_;
};

}  // namespace regroup::elastic
