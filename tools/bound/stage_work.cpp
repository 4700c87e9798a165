#include "tools/bound/stage_work.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "core/errors.hpp"

namespace regroup::tools {
namespace {

double ns(Duration d) { return static_cast<double>(d.count()); }

// Whether b lies above the line from a to c, or on it.
bool above(const Mode& a, const Mode& b, const Mode& c) {
  return ns(b.gpu_time - a.gpu_time) * ns(c.time - a.time) >=
         ns(c.gpu_time - a.gpu_time) * ns(b.time - a.time);
}

// All layouts of at most `gpus` GPUs, whether any model can have them or not.
std::vector<Layout> all_layouts(int gpus) {
  std::vector<Layout> layouts;
  const auto degree = [](int d) { return static_cast<std::uint8_t>(d); };
  for (int cfg = 1; cfg <= std::min(gpus, 2); ++cfg)
    for (int ulysses = 1; cfg * ulysses <= gpus; ++ulysses)
      for (int ring = 1; cfg * ulysses * ring <= gpus; ++ring)
        for (int tp = 1; cfg * ulysses * ring * tp <= gpus; ++tp)
          layouts.push_back({degree(cfg), degree(ulysses), degree(ring), degree(tp)});
  return layouts;
}

}  // namespace

// Andrew's monotone chain, from the fastest mode down to the cheapest.
StageWork::StageWork(std::vector<Mode> modes) {
  std::ranges::sort(modes, {}, [](const Mode& m) { return std::tuple(m.time, m.gpu_time); });
  for (const Mode& mode : modes) {
    if (!hull_.empty() && mode.gpu_time >= hull_.back().gpu_time) continue;
    while (hull_.size() >= 2 && above(hull_[hull_.size() - 2], hull_.back(), mode))
      hull_.pop_back();
    hull_.push_back(mode);
  }
}

Duration StageWork::least_gpu_time(Duration window) const {
  RG_CHECK(possible() && window >= fastest(), "a stage is to be done in {} ns", window.count());
  const auto slower =
      std::ranges::find_if(hull_, [&](const Mode& mode) { return mode.time > window; });
  const Mode& cheap = *(slower - 1);
  if (slower == hull_.end()) return cheap.gpu_time;
  const double share = ns(window - cheap.time) / ns(slower->time - cheap.time);
  const double least = ns(cheap.gpu_time) - share * ns(cheap.gpu_time - slower->gpu_time);
  // A part in 1e12 covers the rounding of the few operations above, and of above().
  return Duration(static_cast<std::int64_t>(std::floor(least * (1 - 1e-12))));
}

// Along the hull GPU time falls while time grows, so the fastest mode is the widest.
double StageWork::most_gpus() const {
  const Mode& widest = hull_.front();
  return widest.time == Duration{} ? 0 : ns(widest.gpu_time) / ns(widest.time);
}

StageWork stage_work(const Catalog& catalog, std::size_t stage, const WorkQuery& query) {
  const Stage& described = catalog.stages(query.model).stage(stage);
  Task task;
  task.model = query.model;
  task.shape_id = query.shape;
  task.stage = static_cast<std::uint8_t>(stage);
  task.kind = described.kind;
  task.denoise_steps = query.steps;
  task.steps_total = described.kind == StageKind::kDenoise ? query.steps : 1;

  const std::span<const Gpu> gpus = catalog.gpus();
  const std::int64_t memory = std::ranges::max(gpus, {}, &Gpu::memory_free_bytes).memory_free_bytes;
  const auto widest = static_cast<int>(std::min(gpus.size(), kMaxGroupSize));
  std::vector<Mode> modes;
  for (const Layout layout : all_layouts(widest)) {
    if (!catalog.why_not(query.shape, stage, layout).empty()) continue;
    for (int batch = 1; batch <= query.max_batch; ++batch) {
      if (catalog.memory_bytes(query.shape, stage, layout, batch) > memory) break;
      const Duration step = catalog.cost().predict(task, layout, 1, batch);
      const Duration at_least(static_cast<std::int64_t>(std::floor(ns(step) * query.slowness)));
      const Duration time = at_least * task.steps_total;
      modes.push_back({time, time * layout.size() / batch});
    }
  }
  return StageWork(std::move(modes));
}

}  // namespace regroup::tools
