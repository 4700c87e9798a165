// regroup report: a page that shows runs or a sweep.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "core/output_file.hpp"
#include "tools/progress.hpp"
#include "tools/report/report.hpp"
#include "tools/verbs.hpp"

namespace regroup::tools {
namespace {

struct ReportFlags {
  std::vector<std::filesystem::path> folders;
  ReportOptions options;
  std::filesystem::path out;
};

void write(const ReportFlags& flags) {
  ReportOptions options = flags.options;
  options.sweep.progress = progress_bar("points of the bound");
  const std::string page = report(flags.folders, options);
  const std::filesystem::path path =
      flags.out.empty() ? flags.folders.front() / "report.html" : flags.out;
  write_file(path, page);
  fmt::print("{}\n", path.string());
}

}  // namespace

void add_report(CLI::App& program) {
  CLI::App* verb = program.add_subcommand(
      "report",
      "Makes a page, one file to open in a browser: of a run, of several side by side, or of a "
      "sweep.");
  auto flags = std::make_shared<ReportFlags>();
  RerunHints& hints = flags->options.hints;
  verb->add_option("DIR", flags->folders, "folders of replay --out, or one of sweep --out")
      ->required();
  verb->add_option("-o,--out", flags->out, "the file (default: report.html in the first folder)");
  verb->add_option("--trace", hints.trace, "the trace (default: where the run had it)");
  verb->add_option("--cluster", hints.cluster, "the cluster file, if there was one");
  verb->add_option("--model", hints.model, "the model of a trace that names none");
  verb->add_option("--calibration", hints.calibrations, "the calibration files that it was given")
      ->allow_extra_args(false);
  verb->add_flag("!--no-bound", flags->options.sweep.bound,
                 "of a sweep: do not compute what no schedule can beat");
  verb->callback([flags] { write(*flags); });
}

}  // namespace regroup::tools
