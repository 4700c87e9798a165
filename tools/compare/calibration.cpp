#include "tools/compare/calibration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>
#include <thread>

#include "core/errors.hpp"
#include "core/result_text.hpp"
#include "runtime/collectives/collectives.hpp"
#include "runtime/devices/device_list.hpp"
#include "tools/experiment.hpp"
#include "traces/mixes.hpp"

namespace regroup::tools {
namespace {

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const std::size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

// What the runs of one degree took.
class Stopwatch final : public Observer {
 public:
  struct Key {
    std::uint8_t stage;
    StageKind kind;
    Shape shape;
    Layout layout;
    auto operator<=>(const Key&) const = default;
  };
  std::vector<double> dispatch, setup, migrate;

  explicit Stopwatch(int degree) : degree_(degree) {}

  void on_run_end(const RunRecord& run) override {
    if (run.failed || run.steps == 0) return;
    const Task& task = *run.tasks[0];
    const auto group = run.group[0].value / static_cast<std::uint32_t>(degree_);
    runs_.push_back({{task.stage, task.kind, task.shape, run.layout},
                     run.launched,
                     run.ended,
                     to_seconds(run.times.compute) / run.steps});
    AtWork& at_work = groups_[group];
    if (task.kind == StageKind::kDenoise && !at_work.from) at_work.from = run.ended;
    at_work.until = run.ended;
    dispatch.push_back(to_seconds(run.times.dispatch));
    if (run.group.size() > 1) setup.push_back(to_seconds(run.times.setup));
    if (task.kind == StageKind::kDenoise) migrate.push_back(to_seconds(run.times.migrate));
  }

  // In the order measured. Of several groups only the runs that began when all had denoised once
  // and ended while all still had work, so that "busy" is what it says to the last sample.
  std::map<Key, std::vector<double>> seconds() const {
    TimePoint from{}, until = kNever;
    if (groups_.size() > 1)
      for (const auto& [group, at_work] : groups_) {
        from = std::max(from, at_work.from.value_or(kNever));
        until = std::min(until, at_work.until);
      }
    std::map<Key, std::vector<double>> all;
    for (const Run& run : runs_)
      if (run.launched >= from && run.ended <= until) all[run.key].push_back(run.seconds);
    return all;
  }

 private:
  struct Run {
    Key key;
    TimePoint launched, ended;
    double seconds;
  };
  struct AtWork {
    std::optional<TimePoint> from;
    TimePoint until{};
  };
  int degree_;
  std::vector<Run> runs_;
  std::map<std::uint32_t, AtWork> groups_;
};

// `at_once`: of each, for as many groups.
std::vector<traces::Record> requests(const CalibrationPlan& plan, int at_once) {
  std::vector<traces::Record> records;
  // The shapes take turns, so that a slow moment of the machine does not hit one of them alone; one
  // more round than asked for warms up.
  for (int i = 0; i < (plan.repeat + 1) * at_once; ++i)
    for (const std::string& text : plan.shapes) {
      const auto shape = traces::parse_shape(text);
      if (!shape)
        fail<ConfigError>("shape '{}': expected WIDTHxHEIGHT or WIDTHxHEIGHTxFRAMES", text);
      records.push_back({.id = fmt::format("c{}", records.size()),
                         .arrival = {},
                         .model = plan.model,
                         .shape = *shape,
                         .steps = plan.steps,
                         .guidance = traces::model_guidance(plan.model),
                         .request_class = text});
    }
  return records;
}

// The first ranks of a list, "gpu0:8x16sm" -> "gpu0:4x16sm".
std::string first_devices(const std::string& text, int ranks) {
  devices::DeviceList list = devices::parse_device_list(text);
  if (list.ranks < ranks)
    fail<ConfigError>("--devices {}: {} ranks; degree {} needs as many", text, list.ranks, ranks);
  list.ranks = ranks;
  list.of_ranks.resize(static_cast<std::size_t>(ranks));
  return list.text();
}

// A cluster of one group, so that every request has all of it and nothing else runs; or, if
// neighbours are to be busy, of as many as there are ranks for.
Stopwatch measure(const CalibrationPlan& plan, int degree) {
  const bool cuda = plan.on == "cuda";
  const int groups =
      plan.busy ? devices::parse_device_list(plan.gpu_options.devices).ranks / degree : 1;
  if (groups < 1)
    fail<ConfigError>("--devices {}: too few ranks for degree {}", plan.gpu_options.devices,
                      degree);
  Stopwatch stopwatch(degree);
  Experiment e;
  e.workload = [&plan, groups] {
    return traces::list_reader(requests(plan, groups), "calibration");
  };
  e.cluster = fmt::format("{}x{}", groups * degree, plan.gpu);
  e.policy = "fcfs";
  e.params = {{"degree", fmt::format("{}", degree)}};
  e.on = plan.on;
  if (cuda) {
    e.gpu = plan.gpu_options;
    e.gpu.devices = first_devices(plan.gpu_options.devices, groups * degree);
  }
  e.slo = "none";
  e.wall_clock = true;
  e.real_compute = true;
  e.platform.check_memory = false;
  e.observers = {&stopwatch};
  run(e);
  return stopwatch;
}

// Odd ones fit, even ones are held out; the first is warm-up and neither.
MeasuredCell fit(const std::string& stage, const Stopwatch::Key& key,
                 const std::vector<double>& samples) {
  MeasuredCell cell;
  cell.stage = stage;
  cell.denoise = key.kind == StageKind::kDenoise;
  cell.shape = text_of(key.shape);
  cell.layout = key.layout;
  for (std::size_t i = 1; i < samples.size(); ++i)
    (i % 2 == 1 ? cell.fitted : cell.held_out).push_back(samples[i]);
  if (cell.held_out.empty())
    fail<ConfigError>(
        "--repeat: {} of {} was measured {} times while all groups had work; at "
        "least 3 are needed",
        stage, cell.shape, samples.size());
  cell.seconds = median(cell.fitted);
  for (const double seconds : cell.held_out)
    cell.errors.push_back(std::abs(cell.seconds / seconds - 1));
  return cell;
}

// One barrier among `degree` threads that do nothing else.
double barrier_seconds(int degree) {
  constexpr int kRounds = 2000;
  collectives::World world({.ranks = degree, .slot_bytes = 4096, .window_bytes = 4096});
  std::vector<int> ranks(static_cast<std::size_t>(degree));
  std::iota(ranks.begin(), ranks.end(), 0);
  std::vector<double> seconds;
  const auto body = [&](int rank) {
    const auto clock = [] {
      return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
    };
    collectives::Collectives barrier(world, rank, collectives::SpinThenYield{}, clock);
    for (int round = 0; round < kRounds; ++round) {
      const auto group = world.form(ranks, static_cast<std::uint64_t>(round) + 1);
      const std::int64_t start = clock();
      if (barrier.barrier(group, start + 10'000'000'000) != collectives::Status::kOk) return;
      if (rank == 0) seconds.push_back(1e-9 * static_cast<double>(clock() - start));
    }
  };
  std::vector<std::thread> threads;
  for (int rank = 1; rank < degree; ++rank) threads.emplace_back(body, rank);
  body(0);
  for (std::thread& thread : threads) thread.join();
  return median(seconds);
}

}  // namespace

HeldOut held_out(const std::vector<double>& errors) {
  return {errors.size(), median(errors), errors.empty() ? 0 : std::ranges::max(errors)};
}

HeldOut held_out_steps(const MeasuredCalibration& measured) {
  std::vector<double> errors;
  for (const MeasuredCell& cell : measured.cells)
    if (cell.denoise) errors.insert(errors.end(), cell.errors.begin(), cell.errors.end());
  return held_out(errors);
}

MeasuredCalibration calibrate(const CalibrationPlan& plan) {
  if (plan.repeat < 2)
    fail<ConfigError>("--repeat {}: at least 2, half of them are held out", plan.repeat);
  models::PlatformOptions options;
  options.cluster = "1x" + plan.gpu;
  models::Platform platform(options);
  const auto model = platform.find_model(plan.model);
  if (!model) fail<ConfigError>("model '{}' has no card", plan.model);
  const StageGraph& stages = platform.stages(*model);

  MeasuredCalibration result;
  models::Calibration& calibration = result.calibration;
  calibration.model = platform.model_name(*model);
  calibration.gpu = plan.gpu;
  const bool cuda = plan.on == "cuda";
  calibration.source = "regroup calibrate --on " + plan.on;
  calibration.derivation =
      fmt::format("median of {} requests of {} steps; {}, {}", (plan.repeat + 1) / 2, plan.steps,
                  cuda ? plan.gpu_options.devices : "a small transformer on threads of one machine",
                  plan.busy ? "all ranks at work" : "one group alone");
  std::vector<double> dispatch, setup, migrate;
  for (const int degree : plan.degrees) {
    const Stopwatch stopwatch = measure(plan, degree);
    for (const auto& [key, samples] : stopwatch.seconds()) {
      const std::string& stage = stages.stage(key.stage).name;
      const MeasuredCell cell = fit(stage, key, samples);
      result.cells.push_back(cell);
      const ShapeId shape = platform.intern(*model, key.shape, traces::model_guidance(plan.model));
      const bool guided = platform.why_not(shape, stages.denoise(), {.cfg = 2}).empty();
      if (key.kind == StageKind::kDenoise)
        calibration.steps.push_back({.shape = key.shape,
                                     .layout = key.layout,
                                     .forwards = guided ? 2 : 1,
                                     .seconds = cell.seconds});
      else if (degree == plan.degrees.front())
        calibration.stages.push_back({stage, key.shape, cell.seconds});
    }
    const auto append = [](std::vector<double>& to, const std::vector<double>& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    if (degree > 1 && !cuda) result.barriers_s.emplace_back(degree, barrier_seconds(degree));
    append(dispatch, stopwatch.dispatch);
    append(setup, stopwatch.setup);
    append(migrate, stopwatch.migrate);
  }
  result.dispatch_s = median(dispatch);
  result.setup_s = median(setup);
  result.migrate_s = median(migrate);
  calibration.dispatch_s = result.dispatch_s;
  if (!setup.empty()) calibration.group_setup_s = std::max(result.setup_s, 1e-9);
  return result;
}

}  // namespace regroup::tools
