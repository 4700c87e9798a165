// regroup bench groups, soak and dit: what GPUs do.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "core/errors.hpp"
#include "core/output_file.hpp"
#include "tools/gpu/gpu_bench.hpp"
#include "tools/run_flags.hpp"
#include "tools/table.hpp"
#include "tools/verbs.hpp"
#include "traces/mixes.hpp"

namespace regroup::tools {
namespace {

struct GpuBenchFlags {
  GpuOptions gpu;
  GroupBench groups;
  DitBench dit;
  SoakBench soak;
  std::vector<std::string> shapes;
  int plan = 0;  // ranks; 0: measure
  bool check = false;
  std::string out;
};

void show(const Measured& measured, const std::string& out,
          const std::vector<std::size_t>& left = {0}) {
  fmt::print("{}", aligned(measured.rows, left));
  if (!measured.note.empty()) fmt::print("{}\n", measured.note);
  if (out.empty()) return;
  write_file(out, measured.json);
  fmt::print("{} written\n", out);
}

void bench_soak(const GpuBenchFlags& flags) {
  bool passed = false;
  show(soak_collectives(flags.gpu, flags.soak, passed), flags.out);
  if (!passed) fail<CheckFailed>("the collectives did not do what they promise; see above");
}

void bench_dit(const GpuBenchFlags& flags) {
  DitBench bench = flags.dit;
  for (const std::string& text : flags.shapes) {
    const auto shape = traces::parse_shape(text);
    if (!shape) fail<ConfigError>("shape '{}': expected WIDTHxHEIGHT or WIDTHxHEIGHTxFRAMES", text);
    bench.shapes.push_back(*shape);
  }
  if (bench.shapes.empty()) bench.shapes = {{1024, 1024, 1}};
  if (flags.plan > 0) return show(plan_dit(bench, flags.plan), flags.out);
  if (!flags.check) return show(measure_dit(flags.gpu, bench), flags.out, {0, 1, 2});
  bool passed = false;
  show(compare_dit(flags.gpu, bench, passed), flags.out, {0, 1, 2});
  if (!passed) fail<CheckFailed>("steps come out otherwise than on one rank; see above");
}

}  // namespace

void add_bench_gpu(CLI::App& bench_verb) {
  const auto flags = std::make_shared<GpuBenchFlags>();
  CLI::App* groups = bench_verb.add_subcommand(
      "groups",
      "What a new group of GPUs costs, from the decision to the end of its last member's first "
      "collective: group-free, and by a new, a split and a cached NCCL communicator.");
  add_gpu_flags(*groups, flags->gpu);
  groups->add_option("--size", flags->groups.sizes, "GPUs of a group, several times (2, 4, 8)")
      ->allow_extra_args(false)
      ->check(CLI::Range(1, 32));
  groups->add_option("--samples", flags->groups.samples, "of each size and way (default 100)")
      ->check(CLI::Range(1, 1'000'000));
  groups->add_option("--out", flags->out, "file for the same as JSON");
  groups->callback([flags] { show(measure_groups(flags->gpu, flags->groups), flags->out); });

  CLI::App* soak = bench_verb.add_subcommand(
      "soak",
      "Group-free collectives of random groups of GPUs, every byte checked; then two ranks are "
      "given two of them in different orders, which must be noticed. Exit code 1 if not all is "
      "right.");
  add_gpu_flags(*soak, flags->gpu);
  soak->add_option("--operations", flags->soak.operations, "how many (default 100,000)")
      ->check(above_zero());
  soak->add_option("--seed", flags->soak.seed, "of groups, shapes and bytes (default 1)");
  soak->add_option("--out", flags->out, "file for the same as JSON");
  soak->callback([flags] { bench_soak(*flags); });

  CLI::App* dit = bench_verb.add_subcommand(
      "dit",
      "How long a denoising step takes on GPUs in every layout, carried out as when serving, and "
      "the arithmetic achieved.");
  add_gpu_flags(*dit, flags->gpu);
  dit->add_option("--model", flags->dit.model, "FLUX.1-dev (default) or Wan2.1-T2V-1.3B");
  dit->add_option("--shape", flags->shapes,
                  "WIDTHxHEIGHT[xFRAMES], several times (default 1024x1024)")
      ->allow_extra_args(false);
  dit->add_option("--steps", flags->dit.steps, "of each shape and layout (default 20)")
      ->check(CLI::Range(1, 100'000));
  dit->add_flag("--busy", flags->dit.busy,
                "as many groups at once as there is room for, not one alone");
  CLI::Option* const check =
      dit->add_flag("--check", flags->check,
                    "instead of times: how far what every layout comes to after --steps steps is "
                    "from what one rank alone comes to. Exit code 1 if it is too far")
          ->excludes("--busy");
  dit->add_option("--plan", flags->plan,
                  "measure nothing: the memory that so many ranks of one GPU need, and the "
                  "arithmetic of a step")
      ->check(CLI::Range(1, 32))
      ->excludes(check);
  dit->add_option("--out", flags->out, "file for the same as JSON, with every sample");
  dit->callback([flags] { bench_dit(*flags); });
}

}  // namespace regroup::tools
