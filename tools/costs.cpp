// regroup costs: what the cost model says of one request, and where it has that from.
#include <fmt/format.h>

#include <memory>

#include "core/errors.hpp"
#include "core/result_text.hpp"
#include "tools/run_flags.hpp"
#include "tools/table.hpp"
#include "tools/verbs.hpp"
#include "traces/mixes.hpp"

namespace regroup::tools {
namespace {

struct CostFlags {
  std::string model;
  std::string shape;
  double guidance = -1;  // below 0: what the model is published with
  models::PlatformOptions platform;
  std::string costs = "best";
  TableFormat format = TableFormat::kText;
};

std::string time_text(Duration time) {
  const double s = to_seconds(time);
  return s < 1 ? fmt::format("{:.2f} ms", s * 1e3) : fmt::format("{:.3f} s", s);
}

void show(CostFlags f) {
  if (f.costs == "analytic") f.platform.costs = models::PlatformOptions::Costs::kAnalytic;
  const auto shape = traces::parse_shape(f.shape);
  if (!shape)
    fail<ConfigError>("shape '{}': expected WIDTHxHEIGHT or WIDTHxHEIGHTxFRAMES", f.shape);
  f.platform.models = {f.model};
  models::Platform platform(f.platform);
  const ModelId model = platform.find_model(f.model).value();
  const double guidance =
      f.guidance < 0 ? traces::model_guidance(platform.model_name(model)) : f.guidance;
  const ShapeId id = platform.intern(model, *shape, guidance);

  Task task;
  task.model = model;
  task.shape_id = id;
  std::vector<std::vector<std::string>> rows = {
      {"stage", "GPUs", "layout", "time", "speed-up", "memory GiB", "source"}};
  const StageGraph& stages = platform.stages(model);
  for (const std::uint8_t stage : stages.topological()) {
    task.stage = stage;
    task.kind = stages.stage(stage).kind;
    Duration narrowest{};
    for (const Layout layout : platform.layouts(id, stage)) {
      const Duration time = platform.cost().predict(task, layout, 1);
      if (narrowest == Duration{}) narrowest = time;
      const bool denoise = task.kind == StageKind::kDenoise;
      const auto bytes = static_cast<double>(platform.memory_bytes(id, stage, layout, 1));
      rows.push_back({denoise ? stages.stage(stage).name + " step" : stages.stage(stage).name,
                      fmt::format("{}", layout.size()), text_of(layout), time_text(time),
                      fmt::format("{:.2f}", to_seconds(narrowest) / to_seconds(time)),
                      fmt::format("{:.2f}", bytes / 0x1p30), platform.source(id, stage, layout)});
    }
  }
  if (f.format == TableFormat::kText)
    fmt::print("{} {}, guidance {:g}, on {}\n\n", platform.model_name(model), text_of(*shape),
               guidance, f.platform.cluster);
  print_table(rows, f.format, {0, 6});
}

}  // namespace

void add_costs(CLI::App& program) {
  CLI::App* verb = program.add_subcommand(
      "costs", "What the cost model says of a model and shape, and where each figure comes from.");
  auto f = std::make_shared<CostFlags>();
  f->platform.cluster = "8xH100";
  verb->add_option("MODEL", f->model, "a model card's name: FLUX.1-dev, Wan2.1-14B, ...")
      ->required();
  verb->add_option("SHAPE", f->shape, "WIDTHxHEIGHT or WIDTHxHEIGHTxFRAMES")->required();
  verb->add_option("--cluster", f->platform.cluster, "as in replay (default 8xH100)");
  verb->add_option("--guidance", f->guidance,
                   "classifier-free guidance scale, at most 1: off (default: the model's own)");
  verb->add_option("--calibration", f->platform.calibrations, "as in replay")
      ->allow_extra_args(false);
  verb->add_option("--costs", f->costs, "best or analytic")
      ->check(CLI::IsMember({"best", "analytic"}));
  add_format_flag(*verb, f->format);
  verb->callback([f] { show(*f); });
}

}  // namespace regroup::tools
