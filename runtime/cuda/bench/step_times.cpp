#include "runtime/cuda/bench/step_times.hpp"

#include <algorithm>
#include <chrono>

#include "core/errors.hpp"
#include "core/metrics.hpp"
#include "runtime/cuda/bench/rank_team.hpp"
#include "runtime/cuda/dit/flops.hpp"
#include "runtime/serve/wall_clock.hpp"

namespace regroup::cuda {
namespace {

constexpr int kWarmUpSteps = 2;

using Clock = std::chrono::steady_clock;

// The groups of one measurement, each with a request of its own.
class StepMeasurement {
 public:
  StepMeasurement(const ServedModel& model, const ServedShape& shape, Layout layout, int groups,
                  int steps, std::uint64_t number)
      : runs_(static_cast<std::size_t>(groups)), seconds_(static_cast<std::size_t>(groups)) {
    for (int g = 0; g < groups; ++g) {
      serve::RankRun& run = runs_[static_cast<std::size_t>(g)];
      const std::uint64_t of_group =
          (number + static_cast<std::uint64_t>(g)) * serve::RankRun::kNumbers;
      run.layout = layout;
      run.ranks = first_ranks(g * layout.size(), layout.size(), of_group);
      run.tasks.push_back({.request = {of_group},
                           .model = model.id,
                           .shape = shape.pixels,
                           .guided = shape.guided,
                           .kind = StageKind::kDenoise,
                           .stage = 1,
                           .steps_total = steps});
      seconds_[static_cast<std::size_t>(g)].reserve(static_cast<std::size_t>(steps));
    }
  }

  // At every member, on its rank's thread.
  void work(int rank, serve::RankDevice& device, serve::Clock& clock) {
    const auto g = static_cast<std::size_t>(rank / runs_.front().layout.size());
    serve::RankRun& run = runs_[g];
    const serve::RunTask& task = run.tasks.front();
    const int member = run.ranks.position(rank);
    serve::RunTask prompt = task;
    prompt.kind = StageKind::kEncode;
    serve::StateRef state = device.begin(task, device.begin(prompt, nullptr));
    for (int index = 0; index < task.steps_total; ++index) {
      const auto begun = Clock::now();
      std::string why;
      const TimePoint now = clock.now();
      state = device.step({run, member, index, now, clock, now + std::chrono::minutes(1)}, task,
                          state, why);
      if (state == nullptr) fail<SystemError>("a step failed: {}", why);
      if (member == 0 && index >= kWarmUpSteps)
        seconds_[g].push_back(std::chrono::duration<double>(Clock::now() - begun).count());
    }
  }

  std::vector<double> seconds() const {
    std::vector<double> all;
    for (const auto& of_group : seconds_) all.insert(all.end(), of_group.begin(), of_group.end());
    return all;
  }

 private:
  std::vector<serve::RankRun> runs_;
  std::vector<std::vector<double>> seconds_;  // by group; written by its first member
};

}  // namespace

double StepTimes::median_s() const {
  std::vector<double> sorted = seconds;
  std::ranges::sort(sorted);
  return percentile(sorted, 0.5);
}

std::vector<StepTimes> measure_step_times(const Machine& machine, CudaNode& node,
                                          const std::vector<ServedModel>& models,
                                          const StepTimesOptions& options) {
  RankTeam team(machine);
  serve::WallClock clock;
  std::vector<std::unique_ptr<serve::RankDevice>> devices;
  for (int rank = 0; rank < machine.ranks(); ++rank) devices.push_back(node.device(rank));

  std::vector<StepTimes> times;
  std::uint64_t number = 1;
  for (const ServedModel& model : models)
    for (const ServedShape& shape : model.shapes)
      for (const Layout layout : shape.layouts) {
        const int groups = options.busy ? machine.ranks() / layout.size() : 1;
        StepMeasurement measurement(model, shape, layout, groups, kWarmUpSteps + options.steps,
                                    number);
        number += static_cast<std::uint64_t>(groups);
        team.run(first_ranks(0, groups * layout.size(), 1), [&](int rank) {
          measurement.work(rank, *devices[static_cast<std::size_t>(rank)], clock);
        });
        times.push_back({.model = model.config.name,
                         .shape = shape.pixels,
                         .guided = shape.guided,
                         .layout = layout,
                         .groups = groups,
                         .seconds = measurement.seconds(),
                         .flops = step_flops(model.config, shape.latents, shape.guided).total()});
      }
  return times;
}

}  // namespace regroup::cuda
