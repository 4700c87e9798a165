// regroup bench policies: policies against one another on published workloads.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <thread>

#include "core/errors.hpp"
#include "core/output_file.hpp"
#include "models/platform.hpp"
#include "tools/bench/matrix_report.hpp"
#include "tools/bench/published_workload.hpp"
#include "tools/progress.hpp"
#include "tools/run_flags.hpp"
#include "tools/verbs.hpp"

namespace regroup::tools {
namespace {

struct BenchFlags {
  std::vector<std::string> policies;
  MatrixOptions options;
  std::filesystem::path out;
};

int largest_node(const std::string& cluster) {
  models::PlatformOptions options;
  options.cluster = cluster;
  const models::Platform platform(options);
  int gpus = 0;
  for (const Node& node : platform.nodes()) gpus = std::max(gpus, node.count);
  return gpus;
}

void bench(const BenchFlags& flags) {
  MatrixOptions options = flags.options;
  for (const std::string& text : flags.policies) options.policies.push_back(parse_form(text));
  if (options.policies.empty())
    options.policies = builtin_forms(largest_node(options.base.cluster));
  if (options.workloads.empty()) options.workloads = quick_workloads();
  options.progress = progress_bar("runs");
  // Before hours of work, not after.
  std::error_code error;
  std::filesystem::create_directories(flags.out, error);
  if (error) fail<SystemError>("{}: {}", flags.out.string(), error.message());

  const Matrix matrix = run_matrix(std::move(options));
  write_file(flags.out / "runs.csv", runs_csv(matrix));
  write_file(flags.out / "matrix.csv", matrix_csv(matrix));
  write_file(flags.out / "matrix.md", matrix_markdown(matrix));
  fmt::print("{}\nresults in {}: matrix.md, matrix.csv, runs.csv\n", matrix_text(matrix),
             flags.out.string());
}

}  // namespace

void add_bench_policies(CLI::App& bench_verb) {
  CLI::App* verb = bench_verb.add_subcommand(
      "policies",
      "Policies x published workloads x loads x seeds, as tables with 95 % intervals over seeds. "
      "The policies of a cell meet the same traces; the files do not depend on --jobs. Load is the "
      "GPU time that arrives in a second, each request at its most efficient width, over the "
      "number of GPUs. The whole takes a few minutes on two cores, and as much less on more.");
  auto flags = std::make_shared<BenchFlags>();
  MatrixOptions& o = flags->options;
  o.loads = {0.3, 0.7, 1.0, 1.3, 1.5};
  o.jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  verb->fallthrough();
  verb->add_option("--out", flags->out, "folder for matrix.md, matrix.csv and runs.csv")
      ->required();
  verb->add_option("--policies", flags->policies,
                   "NAME or NAME:KEY=VALUE:..., comma separated (default: every built-in one, "
                   "lanes of 1, 2, 4 and 8 GPUs)")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb->add_option(
          "--workloads", o.workloads,
          "comma separated: tetriserve-uniform@SCALE, tetriserve-skewed@SCALE (of the "
          "deadlines), gfdit-PROFILE-wan, gfdit-PROFILE-qwen (default: scales 1.0, 1.2, 1.5 "
          "and all profiles, but for the two with thousands of requests a run, "
          "gfdit-foreground_burst-qwen and gfdit-tridentserve-qwen)")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb->add_option("--loads", o.loads, "comma separated (default 0.3,0.7,1.0,1.3,1.5)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(above_zero());
  verb->add_option("--seeds", o.seeds, "how many traces for each workload and load (default 5)")
      ->check(CLI::Range(1, 1000));
  verb->add_option("--requests", o.requests,
                   "of a run (default: as published; GF-DiT's profiles are cut after so many)")
      ->check(above_zero());
  verb->add_option("--jobs", o.jobs, "threads (default: the cores of this machine)")
      ->check(CLI::Range(1, 4096));
  verb->add_option("--cluster", o.base.cluster, "as in replay (default 8xH100)");
  verb->add_option("--calibration", o.base.platform.calibrations, "as in replay")
      ->allow_extra_args(false);
  verb->add_option("--semantics", o.base.platform.semantics, "as in replay");
  verb->callback([flags] { bench(*flags); });
}

}  // namespace regroup::tools
