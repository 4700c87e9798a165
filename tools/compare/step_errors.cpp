#include "tools/compare/step_errors.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/errors.hpp"
#include "core/result_text.hpp"
#include "models/library.hpp"

namespace regroup::tools {
namespace {

// Asked of many steps and divided, so that the timeline's rounding to nanoseconds does not matter.
constexpr int kManySteps = 1000;

// What the control loop knew of a request when it launched a run of it.
struct Live {
  Task task;  // `group`: where its state lies
  int forwards = 1;
  int steps_done = 0;  // of denoising
};

class Comparer {
 public:
  Comparer(std::span<const traces::Record> requests, models::Platform& platform)
      : platform_(platform) {
    for (const traces::Record& request : requests) {
      Live live;
      live.forwards = models::Library::builtin().card(request.model).forwards(request.guidance);
      live.task.model = platform_.find_model(request.model).value();
      live.task.shape = request.shape;
      live.task.shape_id = platform_.intern(live.task.model, request.shape, request.guidance);
      live.task.denoise_steps = request.steps;
      live_.emplace(request.id, live);
    }
  }

  // The tasks of one run: one, or a batch.
  void add(std::span<const TaskRow> batch) {
    const TaskRow& run = batch.front();
    RunTimes predicted{.dispatch = platform_.cost().dispatch(), .setup = platform_.form(run.group)};
    for (const TaskRow& row : batch)
      predicted.migrate += platform_.cost().migrate(at_launch(row), run.group);
    const Live& first = live_.at(run.request);
    predicted.compute =
        platform_.cost().predict(first.task, run.layout, run.steps, static_cast<int>(batch.size()));
    if (!run.failed && run.steps > 0) account(run, first, predicted);

    for (const TaskRow& row : batch) {
      Live& live = live_.at(row.request);
      live.task.group = run.group;
      if (live.task.kind == StageKind::kDenoise) live.steps_done += run.steps;
    }
  }

  StepErrors result() {
    for (auto& [cell, error] : cells_) result_.cells.push_back(std::move(error));
    std::ranges::stable_sort(result_.cells, std::ranges::greater(), [](const CellError& cell) {
      return std::round(1e6 * std::abs(cell.measured_s - cell.predicted_s));
    });
    return std::move(result_);
  }

 private:
  const Task& at_launch(const TaskRow& row) {
    const auto found = live_.find(row.request);
    if (found == live_.end())
      fail<ConfigError>("tasks.csv: run {} is of request '{}', which is not in requests.csv",
                        row.run, row.request);
    Live& live = found->second;
    Task& task = live.task;
    const StageGraph& stages = platform_.stages(task.model);
    std::size_t stage = 0;
    while (stage < stages.size() && stages.stage(stage).name != row.stage) ++stage;
    if (stage == stages.size())
      fail<ConfigError>("tasks.csv: run {} is of stage '{}', which {} does not have", row.run,
                        row.stage, platform_.model_name(task.model));
    task.stage = static_cast<std::uint8_t>(stage);
    task.kind = stages.stage(stage).kind;
    const bool denoise = task.kind == StageKind::kDenoise;
    task.steps_total = denoise ? task.denoise_steps : 1;
    task.steps_done = denoise ? live.steps_done : 0;
    return task;
  }

  void account(const TaskRow& run, const Live& first, const RunTimes& predicted) {
    const bool denoise = first.task.kind == StageKind::kDenoise;
    const Cell cell{.model = platform_.model_name(first.task.model),
                    .shape = first.task.shape,
                    .forwards = denoise ? first.forwards : 1,
                    .stage = run.stage,
                    .denoise = denoise,
                    .layout = run.layout};
    CellError& error = cells_[cell];
    if (error.runs == 0) {
      error.cell = cell;
      error.single_s =
          to_seconds(platform_.cost().predict(first.task, run.layout, kManySteps)) / kManySteps;
      const std::string source =
          platform_.source(first.task.shape_id, first.task.stage, run.layout);
      error.source = source.substr(0, source.find(" ("));  // without the citation
    }
    const double predicted_s = to_seconds(predicted.compute);
    const double measured_s = to_seconds(run.times.compute);
    ++error.runs;
    error.steps += run.steps;
    error.predicted_s += predicted_s;
    error.measured_s += measured_s;
    const double off = measured_s / predicted_s - 1;
    if (std::abs(off) > std::abs(error.worst)) error.worst = off;

    ++result_.runs;
    if (denoise) {
      result_.predicted_s += predicted_s;
      result_.measured_s += measured_s;
    }
    const auto part = [](OverheadError& overhead, Duration p, Duration m) {
      ++overhead.runs;
      overhead.predicted_s += to_seconds(p);
      overhead.measured_s += to_seconds(m);
    };
    part(result_.dispatch, predicted.dispatch, run.times.dispatch);
    if (run.group.size() > 1) part(result_.setup, predicted.setup, run.times.setup);
    if (predicted.migrate > Duration{} || run.times.migrate > Duration{})
      part(result_.migrate, predicted.migrate, run.times.migrate);
    const double total_s = to_seconds(predicted.total());
    if (std::abs(to_seconds(run.expected) - total_s) > 1e-3 * total_s) ++result_.expected_otherwise;
  }

  models::Platform& platform_;
  std::map<std::string, Live> live_;
  std::map<Cell, CellError> cells_;
  StepErrors result_;
};

}  // namespace

std::string text_of(const Cell& cell) {
  const int gpus = cell.layout.size();
  const std::string passes = cell.forwards == 1 ? "" : fmt::format(", {} passes", cell.forwards);
  return fmt::format("{} {}, {} on {} {} ({}{})", cell.model, text_of(cell.shape), cell.stage, gpus,
                     gpus == 1 ? "GPU" : "GPUs", text_of(cell.layout), passes);
}

const CellError* StepErrors::worst_step() const {
  const CellError* worst = nullptr;
  for (const CellError& cell : cells)
    if (cell.cell.denoise &&
        (worst == nullptr || std::abs(cell.error()) > std::abs(worst->error())))
      worst = &cell;
  return worst;
}

StepErrors step_errors(std::span<const TaskRow> tasks, std::span<const traces::Record> requests,
                       models::Platform& platform) {
  Comparer comparer(requests, platform);
  while (!tasks.empty()) {
    std::size_t count = 1;
    while (count < tasks.size() && tasks[count].run == tasks.front().run) ++count;
    comparer.add(tasks.first(count));
    tasks = tasks.subspan(count);
  }
  return comparer.result();
}

}  // namespace regroup::tools
