// regroup compare: a simulated run against a measured one, and where they part.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/errors.hpp"
#include "core/output_file.hpp"
#include "tools/compare/compare_report.hpp"
#include "tools/verbs.hpp"

namespace regroup::tools {
namespace {

struct CompareFlags {
  std::string first, second;
  CompareOptions options;
  std::optional<double> time_tolerance_s;
  std::vector<std::string> failures;
  bool no_attribution = false;
  bool no_memory_check = false;
  std::string format = "text";
  std::string out, junit;
};

// Before the exit code is decided, so that what did not reach its reader is not passed over.
void print(const std::string& text) {
  fmt::print("{}", text);
  if (std::fflush(stdout) != 0) fail<SystemError>("standard output: {}", std::strerror(errno));
}

std::string report(const Comparison& comparison, const std::string& format) {
  if (format == "json") return compare_json(comparison);
  if (format == "csv") return compare_report(comparison, TableFormat::kCsv);
  const bool markdown = format == "md" || format == "markdown";
  return compare_report(comparison, markdown ? TableFormat::kMarkdown : TableFormat::kText);
}

void run_compare(const CompareFlags& f) {
  CompareOptions options = f.options;
  options.attribute = !f.no_attribution;
  options.hints.check_memory = !f.no_memory_check;
  if (f.time_tolerance_s) options.time_tolerance = from_seconds(*f.time_tolerance_s);
  for (const std::string& failure : f.failures)
    options.hints.failures.push_back(parse_failure(failure));

  const Comparison comparison = compare(f.first, f.second, options);
  const std::string text = report(comparison, f.format);
  if (f.out.empty())
    print(text);
  else
    write_file(f.out, text);
  if (!f.junit.empty()) write_file(f.junit, junit(comparison.gates));
  check(comparison.gates);
}

CLI::Validator not_negative() {
  return {[](const std::string& text) {
            double value = 0;
            const bool good = CLI::detail::lexical_cast(text, value) && value >= 0;
            return good ? std::string() : text + ": expected a number from 0";
          },
          "AT LEAST 0"};
}

void add_hints(CLI::App& verb, CompareFlags& f) {
  RerunHints& hints = f.options.hints;
  const char* const kGroup = "What the simulated run's folder does not hold";
  verb.add_option("--trace", hints.trace, "the trace (default: where the run had it)")
      ->group(kGroup);
  verb.add_option("--model", hints.model, "the model of a trace that names none")->group(kGroup);
  verb.add_option("--cluster", hints.cluster, "the cluster file, if there was one")->group(kGroup);
  verb.add_option("--policy", hints.policy, "the policy's .so, if it is not built in")
      ->group(kGroup);
  verb.add_option("--calibration", hints.calibrations, "the calibration files that it was given")
      ->allow_extra_args(false)
      ->group(kGroup);
  verb.add_option("--fail", f.failures, "the failures that it was given")
      ->allow_extra_args(false)
      ->group(kGroup);
  verb.add_flag("--no-memory-check", f.no_memory_check, "it was given this")->group(kGroup);
}

}  // namespace

void add_compare(CLI::App& program) {
  CLI::App* verb = program.add_subcommand(
      "compare",
      "Compares a simulated run with a measured one of the same requests, and says where the gap "
      "comes from. Exit code 1 if they are further apart than allowed.");
  auto f = std::make_shared<CompareFlags>();
  Limits& limits = f->options.limits;
  verb->add_option("A", f->first, "folder of the simulated run (replay --out)")->required();
  verb->add_option("B", f->second,
                   "folder of the measured one; in either order if only one was simulated")
      ->required();
  verb->add_option("--max-slo-gap", limits.slo_gap,
                   "largest difference of the violation rates (default 0.02 if no limit is given)")
      ->check(not_negative());
  verb->add_option("--max-class-slo-gap", limits.class_slo_gap, "the same, of every class")
      ->check(not_negative());
  verb->add_option("--max-latency-gap", limits.latency_gap,
                   "largest relative difference of mean and P95 latency: 0.05 is 5 %")
      ->check(not_negative());
  verb->add_option(
          "--max-step-error", limits.step_error,
          "largest relative error of a denoising step: the mean of each model, shape and layout")
      ->check(not_negative());
  verb->add_option("--time-tolerance", f->time_tolerance_s,
                   "decisions further apart than so many seconds differ (default: at any time)")
      ->check(not_negative());
  verb->add_flag("--no-attribution", f->no_attribution,
                 "do not simulate again to find where the gap comes from");
  verb->add_option("--format", f->format, "text (default), md, csv or json")
      ->check(CLI::IsMember({"text", "md", "markdown", "csv", "json"}));
  verb->add_option("-o,--out", f->out, "file for the report (default: standard output)");
  verb->add_option("--junit", f->junit, "file for the limits as JUnit test cases");
  add_hints(*verb, *f);
  verb->callback([f] { run_compare(*f); });
}

}  // namespace regroup::tools
