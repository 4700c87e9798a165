// regroup sweep: many runs from one specification, on all cores or many machines.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include "core/errors.hpp"
#include "core/output_file.hpp"
#include "runtime/cluster/launcher.hpp"
#include "tools/sweep/sweep_folder.hpp"
#include "tools/sweep/sweep_report.hpp"
#include "tools/sweep/sweep_run.hpp"
#include "tools/verbs.hpp"

namespace regroup::tools {
namespace {

struct SweepFlags {
  std::filesystem::path spec, out;
  std::string shard;
  int jobs = 0;  // 0: not given
};

constexpr const char* kHelp = R"(
The file is one JSON object; a key that is not listed is an error. Lists are in [].
  "format": "regroup-sweep", "version": 1
  "policies"     [{"policy": NAME or FILE.so, "params": {KEY: VALUE or [VALUES]}}]
  "workloads"    [{"trace": FILE, "slo", "steps", "model", "limit": as in replay}, or
                  {"generate": "tetriserve-uniform", "tetriserve-skewed", "mix" or "gfdit-PROFILE",
                   "slo", "steps", and "mix", "process", "per_minute", "cv", "count", "span_s" or
                   "mix", "gpus", "target_load", "alphas" as in trace generate}, or
                  {"published": a workload of bench policies, "requests"}]; any with a "name"
  "clusters"     ["8xH100", "my_cluster.json"]
  "loads"        [1, 1.5]: factors on the rate of arrivals; of "published" the load itself ([1])
  "slo_scales"   [1, 2]: factors on the time from arrival to deadline ([1])
  "seeds"        5: seeds 0 to 4, each a trace of its own, the same for every policy (1)
  "baseline"     a policy ("fcfs degree=4") to compare with, seed by seed
  "calibrations" [..], "semantics", "costs", "groups", "jitter", "failures" [..]: as in replay
  "capacity"     instead of "seeds": {"target_violation_rate": 0.05, "search": "rate", "gpus" or
                 "slo_scale", "low", "high", "tolerance": 0.05 of the value, "confidence": 0.95,
                 "min_seeds": 3, "max_seeds": 12}. Bisects for the highest load, the fewest GPUs
                 (they stand for the * of "*xH100" or "*x8xH100") or the tightest SLO scale with
                 violations at most the target, adding seeds until the interval of the mean is on
                 one side of it
Relative paths are those from the file's folder; a word without / or . is a name. Cells are the
product of the lists, nested in the order workloads, clusters, slo_scales, loads, policies, seeds.
A trace file without jitter has one run whatever "seeds" says: more would be the same.

DIR gets cells.csv (a line a run), summary.csv (means with 95 % intervals over seeds), capacity.csv
and sweep.json when all is done. A sweep that was stopped or killed goes on with the same command.
Its results are the same bytes however it was run:
  mpirun -n 4 regroup sweep --spec S --out DIR         processes share the cells by messages
  sbatch --array=1-8 --wrap 'regroup sweep --spec S --out DIR'   each task takes its share; then
  regroup sweep merge DIR                              joins what is in DIR/runs)";

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void merge(const std::filesystem::path& folder) {
  const SweepSpec spec = read_sweep(folder);
  const SweepResults results = collect(spec, read_run_records(runs_folder(folder)));
  write_file(folder / "cells.csv", cells_csv(spec, results));
  write_file(folder / "summary.csv", summary_csv(spec, results));
  if (spec.search) write_file(folder / "capacity.csv", capacity_csv(spec, results));
  write_file(folder / "sweep.json", sweep_json(spec, results, text_of(folder / "spec.json")));
  fmt::print("{}\nresults in {}: {}cells.csv, summary.csv, sweep.json\n", sweep_text(spec, results),
             folder.string(), spec.search ? "capacity.csv, " : "");
}

// Which part of the work is this process's.
SweepShare share_of(const SweepFlags& flags, std::unique_ptr<Team>& team) {
  const Environment environment = process_environment();
  SweepShare share;
  share.shard = flags.shard.empty() ? job_array_shard(environment) : parse_shard(flags.shard);
  const Shard process = launched_shard(environment);
  if (process.count > 1 && cluster::launched_with_mpi()) team = join_team(process.count);
  if (process.count > 1 && !team) share.shard = process.of(share.shard);
  share.team = team.get();
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  share.jobs = flags.jobs > 0 ? flags.jobs : process.count > 1 ? 1 : static_cast<int>(cores);
  return share;
}

void sweep(const SweepFlags& flags) {
  const SweepSpec spec = open_sweep(flags.out, flags.spec);
  std::unique_ptr<Team> team;
  const SweepShare share = share_of(flags, team);
  const bool done = run_sweep(spec, flags.out, share);
  if (share.shard.count > 1)
    fmt::print("share {} of {} is done; when all are: regroup sweep merge {}\n",
               share.shard.index + 1, share.shard.count, flags.out.string());
  else if (done)
    merge(flags.out);
}

}  // namespace

void add_sweep(CLI::App& program) {
  CLI::App* verb = program.add_subcommand(
      "sweep",
      "Runs policies x parameters x workloads x loads x clusters x seeds from one JSON file, or "
      "searches for what they can take.");
  auto flags = std::make_shared<SweepFlags>();
  verb->fallthrough();
  verb->add_option("--spec", flags->spec, "the file that says what to run");
  verb->add_option("--out", flags->out, "folder of the sweep: records, then results");
  verb->add_option("--shard", flags->shard,
                   "I/N: only the Ith of N shares (default: that of the Slurm job array's task)");
  verb->add_option("--jobs", flags->jobs,
                   "threads (default: the cores of this machine; 1 a process under mpirun, srun)")
      ->check(CLI::Range(1, 4096));
  verb->footer(kHelp);

  CLI::App* merge_verb = verb->add_subcommand(
      "merge", "Joins the shares of a sweep, once all are done, into its results.");
  auto folder = std::make_shared<std::filesystem::path>();
  merge_verb->add_option("DIR", *folder, "the folder of the sweep (--out)")->required();
  merge_verb->callback([folder] { merge(*folder); });
  verb->callback([verb, flags] {
    if (!verb->get_subcommands().empty()) return;
    for (const char* flag : {"--spec", "--out"})
      if (verb->count(flag) == 0) throw CLI::RequiredError(flag);
    sweep(*flags);
  });
}

}  // namespace regroup::tools
