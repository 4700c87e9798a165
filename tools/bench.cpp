// regroup bench: how fast the simulator is, on this machine.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "core/errors.hpp"
#include "core/output_file.hpp"
#include "tools/bench/speed_report.hpp"
#include "tools/verbs.hpp"

namespace regroup::tools {
namespace {

struct SpeedFlags {
  std::filesystem::path out;
  bool quick = false;
};

constexpr const char* kPolicies[] = {"edf-best-fit", "fcfs", "elastic"};
constexpr const char* kMain = kPolicies[0];

// On a terminal only.
void progress(const SpeedCase& of) {
  if (isatty(STDERR_FILENO) != 0)
    fmt::print(stderr, "\r{} on {} GPUs, {} requests \x1b[K", of.policy, of.gpus, of.requests);
}

SpeedRow measured(const SpeedCase& of) {
  progress(of);
  return measure_speed(of);
}

// Policies x clusters, without and with outputs. Enough requests that every GPU has several.
std::vector<SpeedRow> measure_table(const SpeedFlags& flags) {
  const std::filesystem::path scratch = flags.out / "outputs";
  std::vector<SpeedRow> rows;
  for (const char* policy : kPolicies)
    for (const int gpus : {8, 64, 1024, 10'000}) {
      const std::uint64_t requests =
          flags.quick ? std::max<std::uint64_t>(4000, 2 * static_cast<std::uint64_t>(gpus))
                      : std::max<std::uint64_t>(50'000, 10 * static_cast<std::uint64_t>(gpus));
      rows.push_back(measured({.policy = policy, .gpus = gpus, .requests = requests}));
      rows.push_back(
          measured({.policy = policy, .gpus = gpus, .requests = requests / 4, .out = scratch}));
      std::filesystem::remove_all(scratch);
    }
  return rows;
}

// One thing grows by factors of 4, the rest stays.
template <class Make>
GrowthCurve measure_growth(const char* title, const char* policy, int points, Make make) {
  GrowthCurve curve{.title = title, .policy = policy, .points = {}};
  double factor = 1;
  for (int i = 0; i < points; ++i, factor *= 4) {
    const auto [x, of] = make(factor);
    curve.points.push_back({x, measured(of).ns_per_event()});
  }
  return curve;
}

std::vector<GrowthCurve> growth_by_gpus(std::span<const SpeedRow> rows) {
  std::vector<GrowthCurve> curves;
  for (const SpeedRow& row : rows) {
    if (!row.of.out.empty()) continue;
    if (curves.empty() || curves.back().policy != row.of.policy)
      curves.push_back({.title = "GPUs", .policy = row.of.policy, .points = {}});
    curves.back().points.push_back({static_cast<double>(row.of.gpus), row.ns_per_event()});
  }
  return curves;
}

SpeedCase on_64_gpus(const char* policy, double requests) {
  return {.policy = policy, .gpus = 64, .requests = static_cast<std::uint64_t>(requests)};
}

void add_growth(const SpeedFlags& flags, std::vector<GrowthCurve>& curves) {
  using Point = std::pair<double, SpeedCase>;
  const int points = flags.quick ? 3 : 5;
  for (const char* policy : kPolicies) {
    curves.push_back(measure_growth("requests of the trace", policy, points, [&](double factor) {
      const double requests = 1000 * factor;
      return Point{requests, on_64_gpus(policy, requests)};
    }));
    // All there within a moment: nearly all of them wait nearly all of the time.
    curves.push_back(measure_growth("requests that wait", policy, points, [&](double factor) {
      const double requests = 500 * factor;
      SpeedCase of = on_64_gpus(policy, requests);
      of.load = 1000;
      return Point{requests, of};
    }));
  }
}

void bench(const SpeedFlags& flags) {
  if (flags.out.empty()) fail<ConfigError>("bench: --out DIR is required");
  std::error_code error;
  std::filesystem::create_directories(flags.out, error);
  if (error) fail<SystemError>("{}: {}", flags.out.string(), error.message());
  std::fflush(nullptr);  // nothing may be written twice, see in_own_process()

  const std::vector<SpeedRow> rows = measure_table(flags);
  std::vector<GrowthCurve> curves = growth_by_gpus(rows);
  add_growth(flags, curves);
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r\x1b[K");

  write_file(flags.out / "bench.json", speed_json(rows));
  write_file(flags.out / "growth.csv", growth_csv(curves));
  write_file(flags.out / "growth.svg", growth_svg(curves));
  fmt::print("{}\nresults in {}: bench.json, growth.csv, growth.svg\n", speed_text(rows),
             flags.out.string());
}

}  // namespace

void add_bench(CLI::App& program) {
  CLI::App* verb = program.add_subcommand(
      "bench",
      "How fast the simulator is: events and requests a second of CPU time, three policies on 8 to "
      "10,000 GPUs, with outputs and without, beside a bare event loop in the same process; "
      "memory; and how the time of an event grows. Each case runs in a process of its own.");
  auto flags = std::make_shared<SpeedFlags>();
  verb->require_subcommand(0, 1);
  verb->fallthrough();
  verb->add_option("--out", flags->out, "folder for bench.json, growth.csv and growth.svg");
  verb->add_flag("--quick", flags->quick, "smaller cases: under 40 s");
  add_bench_policies(*verb);
  add_bench_gpu(*verb);
  verb->callback([verb, flags] {
    if (verb->get_subcommands().empty()) bench(*flags);
  });
}

}  // namespace regroup::tools
