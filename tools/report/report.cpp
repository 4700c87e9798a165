#include "tools/report/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "core/errors.hpp"
#include "core/output_file.hpp"
#include "tools/report/page.hpp"
#include "tools/report/pair_json.hpp"
#include "tools/report/run_json.hpp"
#include "tools/report/sweep_json.hpp"

namespace regroup::tools {
namespace {

constexpr const char* kName = "report.html";

struct LoadedRun {
  RunFacts facts;
  std::unique_ptr<RunCosts> costs;
};

// A page may travel further than the folders of this machine are anybody's business.
std::string without_folder(std::string text, const ResultFolder& run) {
  const auto trace = run.provenance.find("trace");
  if (trace == run.provenance.end()) return text;
  const std::string folder = std::filesystem::path(trace->second).parent_path().string() + "/";
  const std::size_t at = text.find(folder);
  return at == std::string::npos ? text : text.erase(at, folder.size());
}

LoadedRun load(const std::filesystem::path& folder, const RerunHints& hints) {
  LoadedRun run{read_run(folder), nullptr};
  try {
    run.costs = std::make_unique<RunCosts>(run.facts.folder, hints);
    run.facts.gpus = run.costs->gpus();
    run.facts.gpus_per_node = run.costs->gpus_per_node();
  } catch (const Error& error) {
    run.facts.notes.push_back(fmt::format("What would have been possible is not known here: {}.",
                                          without_folder(error.what(), run.facts.folder)));
  }
  return run;
}

std::string title_of(const RunFacts& facts) {
  return fmt::format("{} on {}", facts.name, facts.folder.config_value("trace", "?"));
}

std::string sweep_page(const std::vector<std::filesystem::path>& folders,
                       const ReportOptions& options) {
  if (folders.size() > 1)
    fail<ConfigError>("{}: a page is of one sweep or of runs, not of several things",
                      std::ranges::find_if(folders, is_sweep)->string());
  return report_page("regroup sweep",
                     fmt::format("{{\"sweep\":{}}}", sweep_page_json(folders[0], options.sweep)));
}

}  // namespace

std::string report(const std::vector<std::filesystem::path>& folders,
                   const ReportOptions& options) {
  if (std::ranges::any_of(folders, is_sweep)) return sweep_page(folders, options);
  std::vector<std::filesystem::path> order = folders;
  PairJson pair;
  if (order.size() == 2) pair = pair_json(order[0], order[1], options.hints);
  if (pair.swapped) std::swap(order[0], order[1]);

  std::string runs, title;
  for (const std::filesystem::path& folder : order) {
    const LoadedRun run = load(folder, options.hints);
    if (!runs.empty()) runs += ",";
    runs += run_json(run.facts, run.costs.get());
    title += (title.empty() ? "" : " | ") + title_of(run.facts);
  }
  std::string data = fmt::format("{{\"runs\":[{}]", runs);
  if (!pair.text.empty()) data += fmt::format(",\"pair\":{}", pair.text);
  return report_page(title, data + "}");
}

void write_run_report(const std::filesystem::path& folder, const RerunHints& hints) {
  write_file(folder / kName, report({folder}, {.hints = hints, .sweep = {}}));
}

void remove_run_report(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::remove(folder / kName, error);
  if (error)
    fail<SystemError>("{}: cannot remove the file of an earlier run: {}", (folder / kName).string(),
                      error.message());
}

}  // namespace regroup::tools
