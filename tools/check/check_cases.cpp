#include "tools/check/check_cases.hpp"

#include <sstream>

#include "core/errors.hpp"
#include "core/output_file.hpp"
#include "traces/generate.hpp"
#include "traces/writer.hpp"

namespace regroup::tools {
namespace {

constexpr std::uint64_t kCount = 80;

std::vector<traces::Record> requests_of(const char* mix, double per_minute, std::uint64_t count) {
  traces::ArrivalOptions options;
  options.mix = traces::named_mix(mix);
  options.per_minute = per_minute;
  options.count = count;
  return traces::read_all(*traces::generate(options));
}

std::vector<traces::Record> images(double per_minute) {
  return requests_of("tetriserve-uniform", per_minute, kCount);
}

// Classes S, M, L of different importance. 8 H100 do about 100 of these a minute if all are run on
// one GPU.
CheckCase overload_then_calm() {
  constexpr const char* kMix = "gfdit-qwen";
  CheckCase each{.name = "calm after overload, 8xH100",
                 .file = "calm_after_overload.csv",
                 .cluster = "8xH100",
                 .slo = "class:S=1.5,M=2,L=6",
                 .requests = requests_of(kMix, 170, kCount),
                 .failures = {},
                 .overload = kCount};
  const Duration passed = each.requests.back().arrival.time_since_epoch();
  for (traces::Record& record : requests_of(kMix, 10, kCount)) {
    record.id = "calm_" + record.id;
    record.arrival += passed;
    each.requests.push_back(std::move(record));
  }
  return each;
}

}  // namespace

std::vector<CheckCase> check_cases() {
  using std::chrono::seconds;
  const auto at = [](int s) { return TimePoint(seconds(s)); };
  return {{.name = "light load, 8xH100",
           .file = "light.csv",
           .cluster = "8xH100",
           .requests = images(6),
           .failures = {}},
          {.name = "overload, 8xH100",
           .file = "overload.csv",
           .cluster = "8xH100",
           .requests = images(60),
           .failures = {}},
          overload_then_calm(),
          {.name = "two nodes, 2x8xH100",
           .file = "two_nodes.csv",
           .cluster = "2x8xH100",
           .requests = images(40),
           .failures = {}},
          {.name = "failures, 8xH100",
           .file = "failures.csv",
           .cluster = "8xH100",
           .requests = images(12),
           .failures = {{.gpu = {0}, .at = at(30), .repaired = at(90)},
                        {.gpu = {3}, .at = at(60), .repaired = at(61)},
                        {.gpu = {5}, .at = at(61), .repaired = at(300)}}}};
}

CheckCase later(CheckCase each, Duration by) {
  each.file.insert(each.file.rfind('.'), "_later");
  for (traces::Record& record : each.requests) record.arrival += by;
  for (sim::Failure& failure : each.failures) {
    failure.at += by;
    if (failure.repaired != kNever) failure.repaired += by;
  }
  return each;
}

Experiment experiment_of(const CheckCase& each, const std::string& policy,
                         const std::map<std::string, std::string>& params) {
  Experiment e;
  e.workload = [&each] { return traces::list_reader(each.requests, each.file); };
  e.cluster = each.cluster;
  e.policy = policy;
  e.params = params;
  e.slo = each.slo;
  e.failures = each.failures;
  return e;
}

std::string command_of(const CheckCase& each, const std::string& policy,
                       const std::map<std::string, std::string>& params) {
  std::string text = fmt::format("regroup replay --trace {} --cluster {} --slo {} --policy {}",
                                 each.file, each.cluster, each.slo, policy);
  for (const auto& [key, value] : params) text += fmt::format(" --param {}={}", key, value);
  for (const sim::Failure& failure : each.failures)
    text += fmt::format(" --fail {}@{:.0f}:{:.0f}", failure.gpu.value, to_seconds(failure.at),
                        to_seconds(failure.repaired));
  return text;
}

void write_check_traces(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail<SystemError>("{}: {}", folder.string(), error.message());
  for (const CheckCase& each : check_cases())
    for (const CheckCase& one : {each, later(each, kOneDay)}) {
      std::ostringstream text;
      traces::CsvWriter writer(text, "regroup policy check: " + each.name);
      copy(*traces::list_reader(one.requests, one.file), writer);
      write_file(folder / one.file, text.str());
    }
}

}  // namespace regroup::tools
