#include "runtime/cuda/dit/step_graphs.hpp"

#include <chrono>

#include "core/errors.hpp"
#include "runtime/cuda/gpu/arming.hpp"

namespace regroup::cuda {

void StepGraphs::add(const DeviceModel& model, const StepVariant& variant) {
  forbid_if_armed("writing down a step");
  if (find(model, variant) != nullptr) return;
  Step& step = steps_.emplace_back(Step{&model, StepProgram(model, variant, resources_), {}});
  ++stats_.programs;
  if (mode_ == Mode::kGraphs) record(step);
}

void StepGraphs::record(Step& step) {
  const auto start = std::chrono::steady_clock::now();
  try {
    step.graph = Graph::record(stream_, [&] { step.program.run(stream_); });
    ++stats_.graphs;
    stats_.nodes += step.graph.nodes();
  } catch (const CudaError& error) {
    if (stats_.refusal.empty()) stats_.refusal = error.what();
  }
  stats_.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void StepGraphs::run(const DeviceModel& model, const StepVariant& variant) const {
  const Step& chosen = step(model, variant);
  chosen.graph ? chosen.graph.launch(stream_) : chosen.program.run(stream_);
}

const StepGraphs::Step* StepGraphs::find(const DeviceModel& model,
                                         const StepVariant& variant) const {
  for (const Step& step : steps_)
    if (step.model == &model && step.program.variant() == variant) return &step;
  return nullptr;
}

const StepGraphs::Step& StepGraphs::step(const DeviceModel& model,
                                         const StepVariant& variant) const {
  const Step* const found = find(model, variant);
  RG_CHECK(found != nullptr,
           "no step of '{}' was written down for {} x {} x {} latents, cfg {}, "
           "ulysses {}, {}guided, {} + {} rows",
           model.config().name, variant.shape.frames, variant.shape.height, variant.shape.width,
           variant.layout.cfg, variant.layout.ulysses, variant.guided ? "" : "un",
           variant.rows.text, variant.rows.latents);
  return *found;
}

}  // namespace regroup::cuda
