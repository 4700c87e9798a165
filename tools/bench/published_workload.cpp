#include "tools/bench/published_workload.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "core/errors.hpp"
#include "traces/generate.hpp"
#include "traces/slo.hpp"

namespace regroup::tools {
namespace {

constexpr std::string_view kTetriServe = "tetriserve-";
constexpr std::string_view kGfDit = "gfdit-";

[[noreturn]] void unknown(const std::string& name) {
  fail<ConfigError>(
      "workload '{}' is not known; allowed: {} (behind @: any factor on TetriServe's deadlines)",
      name, fmt::join(published_workloads(), ", "));
}

// Requests a minute that keep all GPUs busy if every one runs at its most efficient width.
double full_rate_per_minute(const traces::Mix& mix, models::Platform& platform) {
  double weights = 0, gpu_seconds = 0;
  for (const traces::MixEntry& entry : mix) {
    weights += entry.weight;
    gpu_seconds += entry.weight * efficient_gpu_seconds(entry, platform);
  }
  return 60 * static_cast<double>(platform.gpus().size()) / (gpu_seconds / weights);
}

WorkloadTrace tetriserve(const std::string& name, double load, std::uint64_t seed,
                         std::uint64_t requests, models::Platform& platform) {
  const std::size_t at = name.find('@');
  const std::string mix = name.substr(0, at);
  if (mix != "tetriserve-uniform" && mix != "tetriserve-skewed") unknown(name);
  traces::ArrivalOptions options = traces::tetriserve_workload(mix == "tetriserve-skewed");
  options.per_minute = load * full_rate_per_minute(options.mix, platform);
  options.seed = seed;
  if (requests > 0) options.count = requests;
  const std::string scale = at == std::string::npos ? "1.0" : name.substr(at + 1);
  return {.requests = traces::read_all(*traces::generate(options)), .slo = "tetriserve=" + scale};
}

WorkloadTrace gfdit(const std::string& name, double load, std::uint64_t seed,
                    std::uint64_t requests, models::Platform& platform) {
  const std::size_t dash = name.rfind('-');
  traces::GfDitOptions options;
  options.profile = name.substr(kGfDit.size(), dash - std::min(dash, kGfDit.size()));
  options.mix = std::string(kGfDit) + name.substr(dash + 1);
  const bool known = std::ranges::count(traces::gfdit_profiles(), options.profile) == 1 &&
                     (options.mix == "gfdit-wan" || options.mix == "gfdit-qwen");
  if (!known) unknown(name);
  options.seed = seed;
  options.gpus = static_cast<int>(platform.gpus().size());
  options.target_load = load;
  WorkloadTrace trace{.requests = traces::generate_gfdit(options, &platform), .slo = "trace"};
  if (requests > 0 && requests < trace.requests.size()) trace.requests.resize(requests);
  return trace;
}

}  // namespace

std::vector<std::string> published_workloads() {
  std::vector<std::string> names;
  for (const char* mix : {"uniform", "skewed"})
    for (const char* scale : {"1.0", "1.2", "1.5"})
      names.push_back(fmt::format("{}{}@{}", kTetriServe, mix, scale));
  for (const std::string& profile : traces::gfdit_profiles())
    for (const char* shapes : {"wan", "qwen"})
      names.push_back(fmt::format("{}{}-{}", kGfDit, profile, shapes));
  return names;
}

std::vector<std::string> quick_workloads() {
  std::vector<std::string> names = published_workloads();
  std::erase(names, "gfdit-foreground_burst-qwen");
  std::erase(names, "gfdit-tridentserve-qwen");
  return names;
}

double efficient_gpu_seconds(const traces::MixEntry& entry, models::Platform& platform) {
  const auto model = platform.find_model(entry.model);
  if (!model) fail<ConfigError>("model '{}' has no card", entry.model);
  const StageGraph& stages = platform.stages(*model);
  Task task;
  task.model = *model;
  task.shape = entry.shape;
  task.shape_id = platform.intern(*model, entry.shape, entry.guidance);
  task.denoise_steps = entry.steps;
  double sum = 0;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    task.stage = static_cast<std::uint8_t>(i);
    task.kind = stages.stage(i).kind;
    task.steps_total = task.kind == StageKind::kDenoise ? entry.steps : 1;
    double least = std::numeric_limits<double>::infinity();
    for (const Layout layout : platform.layouts(task.shape_id, i))
      least = std::min(least, layout.size() * to_seconds(platform.cost().predict(
                                                  task, layout, task.steps_total)));
    sum += least;
  }
  return sum;
}

WorkloadTrace published_workload(const std::string& name, double load, std::uint64_t seed,
                                 std::uint64_t requests, models::Platform& platform) {
  if (!(load > 0 && load <= 1e3))
    fail<ConfigError>("load {}: allowed: above 0, at most 1000", load);
  WorkloadTrace trace;
  if (name.starts_with(kTetriServe))
    trace = tetriserve(name, load, seed, requests, platform);
  else if (name.starts_with(kGfDit))
    trace = gfdit(name, load, seed, requests, platform);
  else
    unknown(name);
  traces::SloRule::parse(trace.slo);  // refuses a scale that is no number
  if (trace.requests.empty())
    fail<ConfigError>("no request arrives; allowed: a higher load, or more GPUs");
  return trace;
}

}  // namespace regroup::tools
