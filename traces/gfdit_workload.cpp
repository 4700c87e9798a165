#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "core/errors.hpp"
#include "traces/generate.hpp"
#include "traces/line_reader.hpp"
#include "traces/python_random.hpp"

namespace regroup::traces {

namespace {

constexpr std::size_t kClasses = 3;  // S, M, L

struct Phase {
  double start_s;
  double end_s;
  double per_minute;  // on 8 GPUs
  std::array<double, kClasses> mix;
};

struct Profile {
  std::string_view name;
  std::span<const Phase> phases;
};

constexpr std::array<double, kClasses> kNoMix = {0, 0, 0};

constexpr Phase kShort[] = {
    {0, 60, 0.8, {.50, .35, .15}},     // warm-up
    {60, 360, 1.5, {.55, .35, .10}},   // middle load
    {360, 540, 2.5, {.70, .25, .05}},  // press
    {540, 600, 0, kNoMix},             // drain
};
constexpr Phase kForegroundBurst[] = {
    {0, 180, 0.5, {0, .4, .6}},          // warm-up
    {180, 360, 3.0, {.85, .10, .05}},    // burst
    {360, 900, 0.8, {.30, .30, .40}},    // recovery
    {900, 1080, 3.0, {.85, .10, .05}},   // burst
    {1080, 1800, 0.5, {.40, .30, .30}},  // drain
};
constexpr Phase kInflightBurst[] = {
    {0, 300, 0.6, {0, 0, 1}},    // long requests only
    {300, 600, 0, kNoMix},       // quiet
    {600, 780, 4.0, {1, 0, 0}},  // short requests only
    {780, 1500, 0, kNoMix},      // drain
};
constexpr Phase kTridentServe[] = {
    {0, 600, 0.8, {.50, .35, .15}},      // warm-up
    {600, 1500, 1.4, {.35, .40, .25}},   // middle load
    {1500, 2400, 2.4, {.50, .30, .20}},  // overload
    {2400, 3000, 1.2, {.20, .35, .45}},  // long requests in the background
    {3000, 3600, 0.6, {.55, .35, .10}},  // cool-down
};
constexpr Profile kProfiles[] = {
    {"short", kShort},
    {"foreground_burst", kForegroundBurst},
    {"inflight_burst", kInflightBurst},
    {"tridentserve", kTridentServe},
};

std::span<const Phase> phases_of(const std::string& name) {
  for (const Profile& profile : kProfiles) {
    if (profile.name == name) return profile.phases;
  }
  fail<ConfigError>("trace generate: profile {} is not known; allowed: {}", shown(name),
                    fmt::join(gfdit_profiles(), ", "));
}

// The three kinds of request, with T1 of each where there is a catalog.
struct Kinds {
  Mix mix;
  std::array<double, kClasses> t1_s{};
};

Kinds kinds_of(const GfDitOptions& options, Catalog* catalog) {
  if (options.mix != "gfdit-wan" && options.mix != "gfdit-qwen") {
    fail<ConfigError>(
        "trace generate: mix {} has no classes S, M, L; allowed: gfdit-wan, gfdit-qwen",
        shown(options.mix));
  }
  Kinds kinds{.mix = named_mix(options.mix)};
  for (std::size_t i = 0; i < kClasses; ++i) {
    MixEntry& kind = kinds.mix[i];
    kind.steps = options.steps.value_or(kind.steps);
    if (catalog == nullptr) continue;
    const std::optional<ModelId> model = catalog->find_model(kind.model);
    if (!model) fail<ConfigError>("trace generate: model {} has no card", shown(kind.model));
    const ShapeId shape = catalog->intern(*model, kind.shape, kind.guidance);
    kinds.t1_s[i] = to_seconds(catalog->standalone(shape, kind.steps, 1));
  }
  return kinds;
}

// The factor on all rates that makes the offered load `target`.
double load_factor(std::span<const Phase> phases, const Kinds& kinds, const GfDitOptions& options) {
  double work_gpu_s = 0;
  double active_s = 0;
  for (const Phase& phase : phases) {
    if (phase.per_minute == 0) continue;
    const double duration_s = phase.end_s - phase.start_s;
    double mean_t1_s = 0;
    for (std::size_t i = 0; i < kClasses; ++i) mean_t1_s += phase.mix[i] * kinds.t1_s[i];
    work_gpu_s += phase.per_minute / 60 * duration_s * mean_t1_s;
    active_s += duration_s;
  }
  return *options.target_load / (work_gpu_s / (options.gpus * active_s));
}

void check(const GfDitOptions& options, const Catalog* catalog) {
  if (options.gpus < 1) {
    fail<ConfigError>("trace generate: gpus is {}; allowed: at least 1", options.gpus);
  }
  if (!(options.rate_scale > 0 && options.rate_scale <= 1e6)) {
    fail<ConfigError>("trace generate: rate scale is {}; allowed: above 0, at most 1e6",
                      options.rate_scale);
  }
  if (options.steps && *options.steps < 1) {
    fail<ConfigError>("trace generate: steps is {}; allowed: at least 1", *options.steps);
  }
  for (const double alpha : options.alphas) {
    if (!(alpha > 0 && alpha <= 1e6)) {
      fail<ConfigError>("trace generate: alpha is {}; allowed: above 0, at most 1e6", alpha);
    }
  }
  if (!options.target_load) return;
  if (!(*options.target_load > 0 && *options.target_load <= 1e4)) {
    fail<ConfigError>("trace generate: target load is {}; allowed: above 0, at most 1e4",
                      *options.target_load);
  }
  if (catalog == nullptr) {
    fail<ConfigError>(
        "trace generate: a target load needs a cluster, to know how long a request takes");
  }
  if (options.rate_scale != 1) {
    fail<ConfigError>(
        "trace generate: a target load sets the rates; a rate scale cannot be given too");
  }
}

// Python's choice: the first class whose cumulated share reaches the number.
std::size_t choose(const std::array<double, kClasses>& mix, double number) {
  double cumulated = 0;
  for (std::size_t i = 0; i < kClasses; ++i) {
    cumulated += mix[i];
    if (number <= cumulated) return i;
  }
  return kClasses - 1;
}

TimePoint whole_microseconds(double seconds) {
  return TimePoint(Duration(std::llround(seconds * 1e6) * 1000));
}

}  // namespace

std::vector<std::string> gfdit_profiles() {
  std::vector<std::string> names;
  for (const Profile& profile : kProfiles) names.emplace_back(profile.name);
  return names;
}

std::vector<Record> generate_gfdit(const GfDitOptions& options, Catalog* catalog) {
  check(options, catalog);
  const std::span<const Phase> phases = phases_of(options.profile);
  const Kinds kinds = kinds_of(options, catalog);
  const double factor = options.target_load ? load_factor(phases, kinds, options)
                                            : options.rate_scale * options.gpus / 8;

  PythonRandom random(options.seed);
  std::array<int, kClasses> counts{};
  std::vector<Record> records;
  for (const Phase& phase : phases) {
    if (phase.per_minute == 0) continue;
    const double rate_per_s = phase.per_minute * factor / 60;
    double now_s = phase.start_s;
    for (;;) {
      const double u = random.random();
      now_s += -std::log(u > 0 ? u : 1e-12) / rate_per_s;
      if (now_s >= phase.end_s) break;
      const std::size_t kind = choose(phase.mix, random.random());
      const MixEntry& entry = kinds.mix[kind];
      Record record{.id = fmt::format("{}_{:06}", entry.request_class, counts[kind]++),
                    .arrival = whole_microseconds(now_s),
                    .model = entry.model,
                    .shape = entry.shape,
                    .steps = entry.steps,
                    .guidance = entry.guidance,
                    .request_class = entry.request_class,
                    .priority = entry.priority,
                    .line = records.size() + 1};
      if (catalog != nullptr) {
        record.deadline = whole_microseconds(now_s + options.alphas[kind] * kinds.t1_s[kind]) +
                          options.deadline_constant;
      }
      records.push_back(std::move(record));
    }
  }
  return records;
}

}  // namespace regroup::traces
