#include "tools/cost_table.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "core/output_file.hpp"
#include "models/calibration.hpp"
#include "models/cluster.hpp"
#include "models/library.hpp"

namespace regroup::tools {
namespace {

// Asked of many steps and divided, so that the timeline's rounding to nanoseconds does not matter.
constexpr int kManySteps = 1000;
// A calibration holds no time of zero.
constexpr double kShortest_s = 1e-9;

}  // namespace

Cell CostTable::key_of(Cell cell) {
  if (!cell.denoise) cell.layout = {};
  return cell;
}

CostTable::CostTable(models::Platform& platform, std::span<const traces::Record> requests)
    : gpu_(platform.cluster().gpu().name),
      dispatch_s_(to_seconds(platform.cost().dispatch())),
      setup_s_(to_seconds(platform.cost().setup({GpuId{0}, GpuId{1}}))) {
  std::set<std::tuple<std::string, Shape, double>> seen;
  for (const traces::Record& request : requests) {
    if (!seen.emplace(request.model, request.shape, request.guidance).second) continue;
    Task task;
    task.model = platform.find_model(request.model).value();
    task.shape_id = platform.intern(task.model, request.shape, request.guidance);
    const StageGraph& stages = platform.stages(task.model);
    const std::string& model = platform.model_name(task.model);
    const int forwards = models::Library::builtin().card(model).forwards(request.guidance);
    for (std::size_t stage = 0; stage < stages.size(); ++stage) {
      task.stage = static_cast<std::uint8_t>(stage);
      const bool denoise = stage == stages.denoise();
      for (const Layout layout : platform.layouts(task.shape_id, stage)) {
        const double seconds =
            to_seconds(platform.cost().predict(task, layout, kManySteps)) / kManySteps;
        const Cell cell{.model = model,
                        .shape = request.shape,
                        .forwards = denoise ? forwards : 1,
                        .stage = stages.stage(stage).name,
                        .denoise = denoise,
                        .layout = layout};
        entries_.try_emplace(key_of(cell), Entry{denoise ? seconds : seconds * layout.size()});
      }
    }
  }
}

void CostTable::replace(std::span<const CellError> cells) {
  struct Sum {
    double predicted_s = 0, measured_s = 0, single_s = 0;
  };
  std::map<Cell, Sum> sums;
  for (const CellError& error : cells) {
    Sum& sum = sums[key_of(error.cell)];
    sum.predicted_s += error.predicted_s;
    sum.measured_s += error.measured_s;
    sum.single_s = error.single_s * (error.cell.denoise ? 1 : error.cell.layout.size());
  }
  for (const auto& [cell, sum] : sums)
    entries_[cell] = {std::max(sum.single_s * sum.measured_s / sum.predicted_s, kShortest_s), true};
}

void CostTable::replace_overheads(const StepErrors& errors) {
  const auto mean = [](const OverheadError& overhead, double& seconds) {
    if (overhead.runs > 0)
      seconds = std::max(overhead.measured_s / static_cast<double>(overhead.runs), kShortest_s);
  };
  mean(errors.dispatch, dispatch_s_);
  mean(errors.setup, setup_s_);
}

void CostTable::write(const std::filesystem::path& folder) const {
  std::map<std::string, models::Calibration> files;
  // Of two shapes with equally many tokens a calibration keeps the later: what was measured.
  for (const bool replaced : {false, true}) {
    for (const auto& [cell, entry] : entries_) {
      if (entry.replaced != replaced) continue;
      models::Calibration& file = files[cell.model];
      if (cell.denoise)
        file.steps.push_back({.shape = cell.shape,
                              .layout = cell.layout,
                              .forwards = cell.forwards,
                              .seconds = entry.seconds});
      else
        file.stages.push_back({cell.stage, cell.shape, entry.seconds});
    }
  }
  for (auto& [model, file] : files) {
    file.model = model;
    file.gpu = gpu_;
    file.source = "regroup compare";
    file.dispatch_s = std::max(dispatch_s_, kShortest_s);
    file.group_setup_s = std::max(setup_s_, kShortest_s);
    OutputFile output(folder, model + ".json");
    output.write(file.text());
    output.commit();
  }
}

}  // namespace regroup::tools
