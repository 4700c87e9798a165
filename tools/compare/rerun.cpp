#include "tools/compare/rerun.hpp"

#include <charconv>
#include <set>

#include "core/errors.hpp"

namespace regroup::tools {
namespace {

template <class Number>
Number number_of(const ResultFolder& folder, const std::string& key, Number otherwise) {
  const std::string text = folder.config_value(key);
  if (text.empty()) return otherwise;
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    fail<ConfigError>("{}: config/{}: '{}' is not a number",
                      (folder.path / "summary.json").string(), key, text);
  return value;
}

// "degree=4 order=edf": a word without '=' belongs to the value before it.
std::map<std::string, std::string> params_of(const std::string& text) {
  std::map<std::string, std::string> params;
  std::string* value = nullptr;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t space = std::min(text.find(' ', from), text.size());
    const std::string word = text.substr(from, space - from);
    const std::size_t equals = word.find('=');
    if (equals != std::string::npos)
      value = &(params[word.substr(0, equals)] = word.substr(equals + 1));
    else if (value != nullptr)
      *value += ' ' + word;
    from = space + 1;
  }
  return params;
}

std::vector<std::filesystem::path> calibrations_of(const ResultFolder& folder,
                                                   const RerunHints& hints) {
  if (!hints.calibrations.empty()) return hints.calibrations;
  const auto recorded = folder.provenance.find("calibrations");
  const std::string paths = recorded == folder.provenance.end() ? "" : recorded->second;
  if (paths.empty() && !folder.config_value("calibration").empty())
    fail<ConfigError>("{} was simulated with the calibration '{}'; give it as --calibration",
                      folder.path.string(), folder.config_value("calibration"));
  std::vector<std::filesystem::path> files;
  for (std::size_t from = 0; from < paths.size();) {
    const std::size_t colon = std::min(paths.find(':', from), paths.size());
    files.emplace_back(paths.substr(from, colon - from));
    from = colon + 1;
  }
  return files;
}

std::vector<traces::Record> requests_of(const ResultFolder& folder, const Experiment& e) {
  std::map<std::string_view, const RequestRow*> rows;
  for (const RequestRow& row : folder.requests) rows.emplace(row.id, &row);

  std::vector<traces::Record> requests;
  const auto reader = traces::open_trace(e.trace, {e.default_model});
  traces::Record record;
  while (requests.size() < rows.size() && reader->next(record)) {
    const auto found = rows.find(record.id);
    if (found == rows.end())
      fail<ConfigError>("{}: {} holds no request '{}'; is this its trace? see --trace",
                        reader->where(record), folder.path.string(), record.id);
    const RequestRow& row = *found->second;
    record.arrival = row.arrival;
    record.model = row.model;
    record.steps = row.steps;
    record.request_class = row.request_class;
    record.deadline.reset();
    if (row.deadline != kNever) record.deadline = row.deadline;
    requests.push_back(record);
  }
  if (requests.size() < rows.size())
    fail<ConfigError>("{} has {} requests, {} has {}; is this its trace? see --trace", e.trace,
                      requests.size(), folder.path.string(), rows.size());
  return requests;
}

}  // namespace

Rerun rerun_of(const ResultFolder& folder, const RerunHints& hints) {
  const auto given = [](const std::string& hint, const std::string& recorded) {
    return hint.empty() ? recorded : hint;
  };
  const auto trace = folder.provenance.find("trace");
  Rerun rerun;
  Experiment& e = rerun.experiment;
  e.trace = given(hints.trace, trace == folder.provenance.end() ? "" : trace->second);
  if (e.trace.empty())
    fail<ConfigError>("{}: provenance.json names no trace; see --trace", folder.path.string());
  e.default_model = hints.model;
  e.cluster = given(hints.cluster, folder.config_value("cluster"));
  e.policy = given(hints.policy, folder.config_value("policy"));
  e.params = params_of(folder.config_value("params"));
  e.seed = number_of<std::uint64_t>(folder, "seed", 0);
  e.jitter = number_of<double>(folder, "jitter", 0);
  e.failures = hints.failures;
  e.platform.cluster = e.cluster;
  e.platform.calibrations = calibrations_of(folder, hints);
  e.platform.check_memory = hints.check_memory;
  e.platform.semantics = folder.config_value("semantics");
  if (folder.config_value("groups") == "nccl")
    e.platform.groups = models::PlatformOptions::Groups::kNccl;
  if (folder.config_value("costs") == "analytic")
    e.platform.costs = models::PlatformOptions::Costs::kAnalytic;

  rerun.requests = requests_of(folder, e);
  // Rate, limit, steps and SLO rule are in the requests already.
  e.slo = "trace";
  e.workload = [requests = rerun.requests, name = e.trace] {
    return traces::list_reader(requests, name);
  };
  std::set<std::string> models;
  for (const traces::Record& request : rerun.requests) models.insert(request.model);
  e.platform.models.assign(models.begin(), models.end());
  return rerun;
}

}  // namespace regroup::tools
