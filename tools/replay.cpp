// regroup replay: a trace through a policy, on a backend.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "runtime/cluster/job.hpp"
#include "tools/progress.hpp"
#include "tools/report/report.hpp"
#include "tools/run_flags.hpp"
#include "tools/table.hpp"
#include "tools/verbs.hpp"

namespace regroup::tools {
namespace {

// Counts the requests that have ended. Only for a terminal: it reads the trace once more.
class RequestProgress final : public Observer {
 public:
  explicit RequestProgress(const Experiment& experiment) : experiment_(experiment) {}

  void on_request_end(const RequestOutcome&) override {
    if (ended_++ == 0) count();
    progress_(ended_, all_);
  }
  void on_end(TimePoint) override { progress_ = {}; }

 private:
  void count() {
    const auto reader = open_requests(experiment_);
    traces::Record record;
    while (all_ != experiment_.limit || all_ == 0) {
      if (!reader->next(record)) break;
      ++all_;
    }
  }

  const Experiment& experiment_;
  Progress progress_ = progress_bar("requests");
  std::size_t ended_ = 0, all_ = 0;
};

// The page beside the results, or none, also of an earlier run.
void report(const RunFlags& flags, const Experiment& e) {
  if (flags.no_report) return remove_run_report(e.out);
  write_run_report(e.out, {.trace = e.trace,
                           .cluster = e.cluster,
                           .policy = e.policy,
                           .model = e.default_model,
                           .calibrations = e.platform.calibrations,
                           .failures = e.failures,
                           .check_memory = e.platform.check_memory});
}

void replay(const RunFlags& flags, cluster::Job& job) {
  job.join();
  if (job.is_node()) throw CLI::RuntimeError(job.serve());
  Experiment experiment = experiment_of(flags);
  experiment.processes = job.controller();
  RequestProgress progress(experiment);
  if (isatty(STDERR_FILENO) != 0) experiment.observers.push_back(&progress);
  const Outcome outcome = run(experiment);
  if (!experiment.out.empty()) report(flags, experiment);
  const Summary& s = outcome.summary;

  print_table(run_table({row_of(run_name(experiment), s)}), flags.format);
  if (flags.format != TableFormat::kText) return;
  fmt::print("{} requests in {:.1f} s: {} finished, {} rejected, {} unfinished; {} violations\n",
             s.requests, s.makespan_s, s.finished, s.rejected, s.unfinished, s.slo_violations);
  if (experiment.on.starts_with("journal:"))
    fmt::print("journal replayed: {} decisions, all equal\n", outcome.decisions_compared);
  if (!experiment.out.empty()) fmt::print("results in {}\n", experiment.out.string());

  if (!outcome.any_deadline)
    fmt::print(stderr, "note: no request has a deadline, so none can be violated; see --slo\n");
  if (isatty(STDERR_FILENO) == 0) return;
  const DecisionTimes& d = outcome.decision_times;
  fmt::print(stderr, "{:.3f} s of wall time; {} decisions, median {:.1f} us, P99 {:.1f} us\n",
             outcome.wall_s, d.calls, d.p50_us, d.p99_us);
}

}  // namespace

void add_replay(CLI::App& program, cluster::Job& job) {
  CLI::App* verb = program.add_subcommand(
      "replay", "Replays a request trace under a policy and reports what became of it.");
  auto flags = std::make_shared<RunFlags>();
  Experiment& e = flags->experiment;
  verb->fallthrough();  // --config belongs to the program
  verb->add_option("--trace", e.trace,
                   "the trace: regroup CSV, Hetu-DiT text or GF-DiT JSON; may come out of a pipe "
                   "(/dev/stdin)")
      ->required();
  verb->add_option("--policy", e.policy, "a built-in policy's name, or the path of a .so")
      ->required();
  add_run_flags(*verb, *flags);
  verb->add_option(
      "--on", e.on,
      "backend: sim, host (the real runtime on threads of this machine; under mpirun, a "
      "process for each node of the cluster), cuda (the same on GPUs, see --devices), or "
      "journal:FILE to check a recorded run's every decision");
  add_gpu_flags(*verb, e.gpu);
  verb->add_option("--clock", flags->clock,
                   "host: virtual (default; thousands of requests in seconds, the same each time) "
                   "or wall (each rank waits as long as its step takes)")
      ->check(CLI::IsMember({"virtual", "wall"}));
  verb->add_option(
          "--compute", flags->compute,
          "host, cuda: timed (default: a step waits, or keeps the GPU busy, as long as the cost "
          "model says) or real (host: a small transformer computes it, on the wall clock; "
          "cuda: the model itself)")
      ->check(CLI::IsMember({"timed", "real"}));
  verb->add_option(
          "--fault", flags->faults,
          "host, cuda: kill:RANK@SECONDS, delay:RANK@SECONDS:SECONDS, swap:... or corrupt:...")
      ->allow_extra_args(false);
  verb->add_option("--out", e.out,
                   "folder for summary.json, requests.csv, tasks.csv, journal, timeline.pftrace "
                   "and report.html");
  add_format_flag(*verb, flags->format);
  verb->add_flag("--no-tasks", flags->no_tasks, "do not write tasks.csv (every placement)");
  verb->add_flag("--no-timeline", flags->no_timeline, "do not write timeline.pftrace");
  verb->add_option("--timeline-sample", e.timeline_sample,
                   "draw one in N requests in timeline.pftrace (default 1: all)")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40))
      ->needs("--out")
      ->excludes("--no-timeline");
  verb->add_flag("--no-journal", flags->no_journal, "do not write the journal");
  verb->add_flag("--no-report", flags->no_report, "do not write report.html (see: regroup report)");
  verb->callback([flags, &job] { replay(*flags, job); });
}

void add_table(CLI::App& program) {
  CLI::App* verb =
      program.add_subcommand("table", "Prints the results of several runs as a table.");
  auto folders = std::make_shared<std::vector<std::string>>();
  verb->add_option("DIR", *folders, "folders written by replay --out")->required();
  auto format = std::make_shared<TableFormat>(TableFormat::kText);
  add_format_flag(*verb, *format);
  verb->callback([folders, format] {
    std::vector<RunRow> rows;
    for (const std::string& folder : *folders) rows.push_back(read_row(folder));
    print_table(run_table(rows), *format);
  });
}

}  // namespace regroup::tools
