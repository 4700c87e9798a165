#include "tools/experiment.hpp"

#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <fstream>
#include <memory>
#include <set>

#include "core/conservation.hpp"
#include "core/control_loop.hpp"
#include "core/errors.hpp"
#include "core/replayer.hpp"
#include "core/results.hpp"
#include "policies/builtin_policies.hpp"
#include "tools/backends.hpp"

namespace regroup::tools {
namespace {

using Clock = std::chrono::steady_clock;

// Counts how long decide() takes, in a histogram of 16 buckets per power of two: the run may be
// long, and this stays small. The clock takes as long as a short decision, so of a long run's later
// calls only some are timed.
class TimedPolicy final : public PolicyHandle {
 public:
  using PolicyHandle::PolicyHandle;

  void decide(const ClusterView& view, Decisions& out) override {
    if (++calls_ > kAllTimed && calls_ % kOneIn != 0) return PolicyHandle::decide(view, out);
    const auto start = Clock::now();
    PolicyHandle::decide(view, out);
    const auto ns =
        static_cast<std::uint64_t>((Clock::now() - start) / std::chrono::nanoseconds(1));
    ++timed_;
    total_ns_ += ns;
    max_ns_ = std::max(max_ns_, ns);
    ++buckets_[bucket(ns)];
  }

  DecisionTimes times() const {
    if (calls_ == 0) return {};
    return {.calls = calls_,
            .mean_us = static_cast<double>(total_ns_) / static_cast<double>(timed_) / 1e3,
            .p50_us = quantile(0.5),
            .p99_us = quantile(0.99),
            .p999_us = quantile(0.999),
            .max_us = static_cast<double>(max_ns_) / 1e3};
  }

 private:
  static constexpr std::uint64_t kAllTimed = 10'000;
  static constexpr std::uint64_t kOneIn = 17;  // of those after: a prime, to follow no rhythm

  static std::size_t bucket(std::uint64_t ns) {
    if (ns < 16) return static_cast<std::size_t>(ns);
    const auto power = static_cast<std::size_t>(63 - __builtin_clzll(ns));
    return (power - 3) * 16 + static_cast<std::size_t>(ns >> (power - 4) & 15);
  }
  static double middle_us(std::size_t bucket) {
    if (bucket < 16) return static_cast<double>(bucket) / 1e3;
    const double step = static_cast<double>(std::uint64_t{1} << (bucket / 16 - 1));
    return step * (16.5 + static_cast<double>(bucket % 16)) / 1e3;
  }
  double quantile(double q) const {
    const double rank = q * static_cast<double>(timed_);
    double seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += static_cast<double>(buckets_[i]);
      if (seen >= rank) return middle_us(i);
    }
    return static_cast<double>(max_ns_) / 1e3;
  }

  std::uint64_t calls_ = 0;
  std::uint64_t timed_ = 0;
  std::uint64_t total_ns_ = 0;
  std::uint64_t max_ns_ = 0;
  std::array<std::uint64_t, 1024> buckets_{};
};

// The models that occur: their weights lie on every GPU. `catalog` knows the cards.
std::vector<std::string> models_of(const Experiment& experiment, Catalog& catalog) {
  const auto reader = open_requests(experiment);
  std::set<std::string> names;
  traces::Record record;
  for (std::uint64_t i = 0; experiment.limit == 0 || i < experiment.limit; ++i) {
    if (!reader->next(record)) break;
    if (names.insert(record.model).second) traces::resolve(*reader, record, catalog);
  }
  return {names.begin(), names.end()};
}

std::string joined(const std::map<std::string, std::string>& params) {
  std::string text;
  for (const auto& [key, value] : params)
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", key, value);
  return text;
}

// What determines the results, and nothing else: no paths, no host.
ConfigBlock config_of(const Experiment& e, const std::string& policy) {
  ConfigBlock block = {{"policy", policy},
                       {"params", joined(e.params)},
                       {"trace", std::filesystem::path(e.trace).filename().string()},
                       {"cluster", std::filesystem::path(e.cluster).filename().string()},
                       {"slo", e.slo},
                       {"seed", fmt::format("{}", e.seed)},
                       {"rate_scale", fmt::format("{}", e.rate_scale)},
                       {"jitter", fmt::format("{}", e.jitter)}};
  if (e.steps) block.emplace_back("steps", fmt::format("{}", *e.steps));
  if (e.limit != 0) block.emplace_back("limit", fmt::format("{}", e.limit));
  if (e.platform.groups == models::PlatformOptions::Groups::kNccl)
    block.emplace_back("groups", "nccl");
  if (e.platform.costs == models::PlatformOptions::Costs::kAnalytic)
    block.emplace_back("costs", "analytic");
  if (!e.platform.semantics.empty())
    block.emplace_back("semantics",
                       std::filesystem::path(e.platform.semantics).filename().string());
  std::string calibrations;
  for (const auto& file : e.platform.calibrations) {
    const auto name = file.has_filename() ? file.filename() : file.parent_path().filename();
    calibrations += (calibrations.empty() ? "" : ", ") + name.string();
  }
  if (!calibrations.empty()) block.emplace_back("calibration", calibrations);
  return block;
}

// Joined with ':', as in PATH.
std::string paths_of(const std::vector<std::filesystem::path>& files) {
  std::string text;
  for (const auto& file : files)
    text += (text.empty() ? "" : ":") + std::filesystem::absolute(file).string();
  return text;
}

ConfigBlock provenance_of(const Experiment& e, const ConfigBlock& machine, const Outcome& outcome) {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  ConfigBlock block = {{"trace", std::filesystem::absolute(e.trace).string()},
                       {"calibrations", paths_of(e.platform.calibrations)},
                       {"on", e.on},
                       {"clock", e.wall_clock ? "wall" : "virtual"},
                       {"compute", e.real_compute ? "real" : "timed"},
                       {"host", host},
                       {"wall_s", fmt::format("{:.3f}", outcome.wall_s)},
                       {"decisions", fmt::format("{}", outcome.decision_times.calls)},
                       {"decision_mean_us", fmt::format("{:.2f}", outcome.decision_times.mean_us)},
                       {"decision_p50_us", fmt::format("{:.2f}", outcome.decision_times.p50_us)},
                       {"decision_p99_us", fmt::format("{:.2f}", outcome.decision_times.p99_us)},
                       {"decision_max_us", fmt::format("{:.2f}", outcome.decision_times.max_us)}};
  block.insert(block.end(), machine.begin(), machine.end());
  return block;
}

constexpr std::string_view kJournal = "journal:";

// The file of "journal:FILE", open; nothing for a backend that runs.
std::unique_ptr<std::ifstream> recorded(const std::string& on) {
  if (on == "sim" || on == "host" || on == "cuda") return nullptr;
  if (!on.starts_with(kJournal))
    fail<ConfigError>("--on {}: expected sim, host, cuda or journal:FILE", on);
  const std::string file = on.substr(kJournal.size());
  auto stream = std::make_unique<std::ifstream>(file, std::ios::binary);
  if (!*stream) fail<ConfigError>("{}: cannot be opened", file);
  return stream;
}

}  // namespace

std::string run_name(const Experiment& experiment) {
  const std::string policy = std::filesystem::path(experiment.policy).stem().string();
  return experiment.params.empty() ? policy : policy + " " + joined(experiment.params);
}

sim::Failure parse_failure(const std::string& text) {
  const auto bad = [&] {
    fail<ConfigError>("failure '{}': expected GPU@SECONDS or GPU@SECONDS:SECONDS", text);
  };
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&](auto value) {
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || value < 0) bad();
    at = next;
    return value;
  };
  sim::Failure failure;
  failure.gpu = {static_cast<std::uint32_t>(number(0))};
  if (at == end || *at++ != '@') bad();
  failure.at = TimePoint(from_seconds(number(0.0)));
  if (at == end) return failure;
  if (*at++ != ':') bad();
  failure.repaired = TimePoint(from_seconds(number(0.0)));
  if (at != end || failure.repaired <= failure.at) bad();
  return failure;
}

std::unique_ptr<traces::Reader> open_requests(const Experiment& experiment) {
  if (experiment.workload) return experiment.workload();
  return traces::open_trace(experiment.trace, {experiment.default_model});
}

traces::SourceOptions source_options(const Experiment& experiment) {
  return {.steps = experiment.steps,
          .rate_scale = experiment.rate_scale,
          .limit = experiment.limit,
          .slo = traces::SloRule::parse(experiment.slo)};
}

models::PlatformOptions platform_of(const Experiment& experiment) {
  models::PlatformOptions options = experiment.platform;
  options.cluster = experiment.cluster;
  options.models = experiment.models;
  // Without weights it does not matter which models there are.
  if (!options.models.empty() || !options.check_memory) return options;
  models::PlatformOptions bare;
  bare.cluster = experiment.cluster;
  bare.costs = models::PlatformOptions::Costs::kAnalytic;  // nobody asks for any: nothing to read
  models::Platform cards(bare);
  options.models = models_of(experiment, cards);
  return options;
}

Outcome run(const Experiment& experiment) {
  const auto start = Clock::now();
  const PolicyPlugin& plugin = find_policy(experiment.policy, kBuiltinPolicies);
  TimedPolicy policy(plugin, PolicyParams(experiment.params));
  const traces::SourceOptions requests = source_options(experiment);
  const auto recording_file = recorded(experiment.on);
  std::istream* recording = experiment.recording ? experiment.recording : recording_file.get();

  models::Platform platform(platform_of(experiment));
  NameTable<ClassId> classes;
  traces::TraceSource source(open_requests(experiment), platform, classes, requests);

  std::unique_ptr<Backend> owned;
  ConfigBlock machine;
  Replayer* replayer = nullptr;
  if (recording) {
    auto made = std::make_unique<Replayer>(
        *recording, experiment.on.substr(experiment.on.find(':') + 1), platform.gpus().size());
    replayer = made.get();
    owned = std::move(made);
  } else {
    OpenedBackend opened = open_backend(experiment, platform);
    owned = std::move(opened.backend);
    machine = std::move(opened.machine);
  }
  Backend& backend = *owned;

  Metrics metrics(platform.gpus().size(), classes);
  Conservation conservation(platform.gpus().size());
  std::optional<Results> results;
  std::optional<JournalWriter> journal_writer;
  std::vector<Observer*> observers;
  if (replayer) observers.push_back(&replayer->check());
  observers.insert(observers.end(), {&metrics, &conservation});
  observers.insert(observers.end(), experiment.observers.begin(), experiment.observers.end());
  if (!experiment.out.empty()) {
    results.emplace(experiment.out, platform, classes,
                    ResultsOptions{.tasks = experiment.tasks,
                                   .timeline = experiment.timeline,
                                   .journal = experiment.journal && !replayer,
                                   .timeline_sample = experiment.timeline_sample});
    observers.push_back(&results->observer());
  } else if (experiment.journal_bytes) {
    journal_writer.emplace([&](std::string_view entry) { *experiment.journal_bytes += entry; });
    observers.push_back(&*journal_writer);
  }

  ControlLoop({.backend = backend,
               .policy = policy,
               .catalog = platform,
               .requests = source,
               .classes = classes,
               .observers = std::move(observers)})
      .run();
  if (replayer) replayer->check_finished();

  Outcome outcome;
  outcome.summary = metrics.summary();
  outcome.policy = policy.name();
  outcome.decisions_compared = replayer ? replayer->decisions() : 0;
  outcome.any_deadline = metrics.any_deadline();
  outcome.decision_times = policy.times();
  outcome.wall_s = std::chrono::duration<double>(Clock::now() - start).count();
  if (results)
    results->commit(outcome.summary, config_of(experiment, outcome.policy),
                    provenance_of(experiment, machine, outcome));
  return outcome;
}

}  // namespace regroup::tools
