#include "tools/run_flags.hpp"

#include "core/errors.hpp"
#include "traces/spool.hpp"

namespace regroup::tools {

const CLI::Validator& above_zero() {
  static const CLI::Validator kAboveZero(
      [](const std::string& text) {
        double value = 0;
        const bool good = CLI::detail::lexical_cast(text, value) && value > 0;
        return good ? std::string() : text + ": expected a number above 0";
      },
      "ABOVE 0");
  return kAboveZero;
}

void add_format_flag(CLI::App& verb, TableFormat& format) {
  static const std::map<std::string, TableFormat> kFormats = {{"text", TableFormat::kText},
                                                              {"md", TableFormat::kMarkdown},
                                                              {"csv", TableFormat::kCsv},
                                                              {"json", TableFormat::kJson}};
  verb.add_option_function<std::string>(
          "--format", [&format](const std::string& name) { format = kFormats.at(name); },
          "the table as text (default), md, csv or json")
      ->check(CLI::IsMember({"text", "md", "csv", "json"}));
}

void add_run_flags(CLI::App& verb, RunFlags& f) {
  Experiment& e = f.experiment;
  verb.add_option("--cluster", e.cluster,
                  "nodes and GPUs: 8xH100, 16x8xL20, or a cluster file (default 8xH100)");
  verb.add_option("--param", f.params, "a policy's parameter, key=value (see: regroup policy show)")
      ->allow_extra_args(false);
  verb.add_option("--slo", e.slo,
                  "deadlines: trace, none, alpha=A, standalone=3, class:S=1.5,M=2, "
                  "tetriserve[=SCALE], hetu (default trace: those of the file)");
  verb.add_option("--seed", e.seed, "seed of every random stream (default 0)");
  verb.add_option("--steps", f.steps, "denoising steps of every request, instead of the trace's")
      ->check(CLI::Range(1, 10000));
  verb.add_option("--rate-scale", e.rate_scale, "2: requests arrive twice as fast (default 1)")
      ->check(above_zero());
  verb.add_option("--limit", e.limit, "only the first N requests")->check(above_zero());
  verb.add_option("--model", e.default_model, "the model of a trace that names none");
  verb.add_option("--calibration", e.platform.calibrations,
                  "calibration file or folder, beside and before the built-in ones; or a built-in "
                  "cost model: cost_synth, cost_qwen_h20")
      ->allow_extra_args(false);
  verb.add_option("--semantics", e.platform.semantics,
                  "how decisions are carried out: as regroup does (default), gfdit: as GF-DiT's "
                  "simulator, or a file");
  verb.add_option("--costs", f.costs, "step times: best (measured where known) or analytic")
      ->check(CLI::IsMember({"best", "analytic"}));
  verb.add_option("--groups", f.groups, "how groups are formed: group-free or nccl")
      ->check(CLI::IsMember({"group-free", "nccl"}));
  verb.add_option("--jitter", e.jitter, "relative standard deviation of a step's time (default 0)");
  verb.add_option("--fail", f.failures,
                  "a GPU that breaks: GPU@SECONDS, or GPU@SECONDS:SECONDS with its repair")
      ->allow_extra_args(false);
  verb.add_flag("--no-memory-check", f.no_memory_check, "weights and activations take no memory");
}

Experiment experiment_of(const RunFlags& flags) {
  Experiment e = flags.experiment;
  for (const std::string& param : flags.params) {
    const std::size_t equals = param.find('=');
    if (equals == std::string::npos || equals == 0)
      fail<ConfigError>("--param {}: expected key=value", param);
    if (!e.params.emplace(param.substr(0, equals), param.substr(equals + 1)).second)
      fail<ConfigError>("--param {}: given twice", param.substr(0, equals));
  }
  for (const std::string& failure : flags.failures) e.failures.push_back(parse_failure(failure));
  for (const std::string& fault : flags.faults) e.faults.push_back(serve::parse_fault(fault));
  if (e.on == "cuda" && flags.clock == "virtual")
    fail<ConfigError>("--clock virtual: GPUs keep their own time; leave it out");
  e.wall_clock = flags.clock == "wall" || e.on == "cuda";
  e.real_compute = flags.compute == "real";
  if (flags.steps > 0) e.steps = flags.steps;
  if (flags.groups == "nccl") e.platform.groups = models::PlatformOptions::Groups::kNccl;
  if (flags.costs == "analytic") e.platform.costs = models::PlatformOptions::Costs::kAnalytic;
  e.platform.check_memory = !flags.no_memory_check;
  e.tasks = !flags.no_tasks;
  e.timeline = !flags.no_timeline;
  e.journal = !flags.no_journal;
  if (traces::reads_once(e.trace)) {
    const auto spool = std::make_shared<traces::Spool>(e.trace);
    e.workload = [spool, model = e.default_model, name = e.trace] {
      return traces::open_trace(spool->path(), {.default_model = model, .shown_as = name});
    };
  }
  return e;
}

}  // namespace regroup::tools
