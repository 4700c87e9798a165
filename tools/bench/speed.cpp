#include "tools/bench/speed.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <sstream>

#include "core/errors.hpp"
#include "tools/bench/heap_floor.hpp"
#include "tools/bench/own_process.hpp"
#include "tools/experiment.hpp"
#include "traces/generate.hpp"

namespace regroup::tools {
namespace {

constexpr int kSteps = 30;
constexpr int kGpusPerNode = 8;
constexpr std::uint64_t kFloorRequests = 10'000;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// GPU seconds of one request of the mix on one GPU, on average.
double mean_work_s(const traces::Mix& mix, const std::string& cluster) {
  models::PlatformOptions options;
  options.cluster = cluster;
  models::Platform platform(options);
  double work = 0, weight = 0;
  for (const traces::MixEntry& entry : mix) {
    const auto model = platform.find_model(entry.model);
    RG_CHECK(model, "the mix names {}, which has no card", entry.model);
    const ShapeId shape = platform.intern(*model, entry.shape, entry.guidance);
    work += entry.weight * to_seconds(platform.standalone(shape, kSteps, 1));
    weight += entry.weight;
  }
  return work / weight;
}

Experiment experiment_of(const SpeedCase& of) {
  traces::ArrivalOptions arrivals = traces::tetriserve_workload(false);
  arrivals.steps = kSteps;
  arrivals.count = of.requests;
  Experiment experiment;
  experiment.cluster = fmt::format("{}x{}xH100", of.gpus / kGpusPerNode, kGpusPerNode);
  arrivals.per_minute = 60 * of.load * of.gpus / mean_work_s(arrivals.mix, experiment.cluster);
  experiment.trace = "generated";  // its name in the results
  experiment.workload = [arrivals] { return traces::generate(arrivals); };
  for (const traces::MixEntry& entry : arrivals.mix) experiment.models.push_back(entry.model);
  experiment.policy = of.policy;
  experiment.params = of.params;
  experiment.slo = "alpha=3";
  experiment.out = of.out;
  return experiment;
}

double floor_events_per_s(const SpeedCase& of, HeapLoop::Queued queued) {
  const double before = cpu_seconds();
  const HeapLoopResult floor = run_heap_loop({.queued = queued,
                                              .requests = std::max(of.requests, kFloorRequests),
                                              .steps = kSteps,
                                              .servers = of.gpus,
                                              .load = of.load});
  return static_cast<double>(floor.events) / (cpu_seconds() - before);
}

// In the child: the numbers of a row as text, in the order in which parse() takes them.
std::string run_case(const SpeedCase& of) {
  using Clock = std::chrono::steady_clock;
  const Experiment experiment = experiment_of(of);
  const double floor = floor_events_per_s(of, HeapLoop::Queued::kWholeTrace);
  const double streamed_floor = floor_events_per_s(of, HeapLoop::Queued::kNextArrival);
  const double cpu = cpu_seconds();
  const auto wall = Clock::now();
  const Outcome outcome = run(experiment);
  const double cpu_s = cpu_seconds() - cpu;
  const std::chrono::duration<double> wall_s = Clock::now() - wall;
  const Summary& summary = outcome.summary;
  return fmt::format("{} {} {} {} {} {} {}", summary.requests + summary.runs, summary.steps, cpu_s,
                     wall_s.count(), outcome.decision_times.p99_us, floor, streamed_floor);
}

}  // namespace

SpeedRow measure_speed(const SpeedCase& of) {
  RG_CHECK(of.gpus % kGpusPerNode == 0 && of.gpus > 0, "{} GPUs in nodes of {}", of.gpus,
           kGpusPerNode);
  const ProcessResult result = in_own_process([&] { return run_case(of); });
  SpeedRow row{.of = of};
  std::istringstream numbers(result.text);
  numbers.imbue(std::locale::classic());
  numbers >> row.events >> row.steps >> row.cpu_s >> row.wall_s >> row.decision_p99_us >>
      row.floor_events_per_s >> row.streamed_floor_events_per_s;
  RG_CHECK(!numbers.fail(), "a measured process answered '{}'", result.text);
  row.peak_rss_bytes = result.peak_rss_bytes;
  return row;
}

}  // namespace regroup::tools
