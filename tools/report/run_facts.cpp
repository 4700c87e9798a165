#include "tools/report/run_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <set>

namespace regroup::tools {
namespace {

std::vector<std::string> classes_of(const std::vector<RequestRow>& requests) {
  std::set<std::string> names;
  for (const RequestRow& request : requests) names.insert(request.request_class);
  std::vector<std::string> classes(names.begin(), names.end());
  std::ranges::stable_sort(classes, {}, &std::string::size);
  return classes;
}

std::vector<Placement> placements_of(const RunFacts& facts) {
  std::map<std::string_view, std::size_t> position;
  for (std::size_t i = 0; i < facts.requests().size(); ++i)
    position.emplace(facts.requests()[i].id, i);
  std::vector<Placement> placements;
  for (TaskRow& task : read_tasks(facts.folder.path)) {
    if (placements.empty() || placements.back().run != task.run) {
      Placement& next = placements.emplace_back();
      next.run = task.run;
      next.stage = std::move(task.stage);
      next.group = task.group;
      next.layout = task.layout;
      next.steps = task.steps;
      next.launched = task.launched;
      next.ended = task.ended;
      next.times = task.times;
      next.expected = task.expected;
      next.failed = task.failed;
      if (facts.journal)
        if (const auto mark = facts.journal->places.find({task.run});
            mark != facts.journal->places.end())
          next.mark = mark->second;
    }
    const auto request = position.find(task.request);
    if (request != position.end()) placements.back().requests.push_back(request->second);
  }
  return placements;
}

// The rows of requests.csv are in order of their ends, as the rejections of the journal are.
std::map<std::string, TimePoint> rejection_times(const RunFacts& facts) {
  std::map<std::string, TimePoint> times;
  if (!facts.journal) return times;
  std::size_t next = 0;
  for (const RequestRow& row : facts.requests())
    if (row.rejected && next < facts.journal->rejects.size())
      times.emplace(row.id, facts.journal->rejects[next++]);
  return times;
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void find_ends(RunFacts& facts, const std::map<std::string, TimePoint>& rejections) {
  facts.begin = facts.requests().empty() ? TimePoint{} : facts.requests().front().arrival;
  facts.end = facts.begin;
  for (const RequestRow& row : facts.requests()) {
    facts.end = std::max(facts.end, row.arrival);
    if (row.finish != kNever) facts.end = std::max(facts.end, row.finish);
  }
  for (const Placement& each : facts.placements) {
    facts.end = std::max(facts.end, each.ended);
    for (const GpuId gpu : each.group)
      facts.gpus = std::max(facts.gpus, static_cast<int>(gpu.value) + 1);
  }
  for (const RequestRow& row : facts.requests()) {
    const auto rejection = rejections.find(row.id);
    const TimePoint otherwise = row.rejected ? row.arrival : facts.end;
    facts.gone.push_back(row.finish != kNever            ? row.finish
                         : rejection != rejections.end() ? rejection->second
                                                         : otherwise);
  }
}

constexpr std::size_t kBatches = 20;
constexpr std::size_t kFewest = 10 * kBatches;

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

std::size_t RunFacts::class_of(const RequestRow& request) const {
  return static_cast<std::size_t>(std::ranges::find(classes, request.request_class) -
                                  classes.begin());
}

RunFacts read_run(const std::filesystem::path& directory) {
  RunFacts facts;
  facts.folder = read_results(directory);
  const std::string params = facts.folder.config_value("params");
  facts.name = facts.folder.config_value("policy", "?") + (params.empty() ? "" : " " + params);
  facts.summary = read_text(directory / "summary.json");
  facts.classes = classes_of(facts.requests());
  facts.journal = read_journal_marks(directory);
  const auto rejections = rejection_times(facts);
  std::ranges::stable_sort(facts.folder.requests, {}, &RequestRow::arrival);
  if (std::filesystem::exists(directory / "tasks.csv"))
    facts.placements = placements_of(facts);
  else
    facts.notes.emplace_back("There is no schedule: the run was made with --no-tasks.");
  if (!facts.journal)
    facts.notes.emplace_back(
        "There is no journal, so decisions, preemptions and failed GPUs are not shown.");
  find_ends(facts, rejections);
  return facts;
}

Estimate batch_mean(const std::vector<double>& values) {
  if (values.size() < kFewest) {
    const double none = std::nan("");
    return {values.empty() ? none : mean_of(values), none};
  }
  std::vector<double> means;
  for (std::size_t batch = 0; batch < kBatches; ++batch) {
    const std::size_t from = batch * values.size() / kBatches;
    const std::size_t to = (batch + 1) * values.size() / kBatches;
    means.push_back(mean_of(std::span(values).subspan(from, to - from)));
  }
  return {mean_of(values), student_mean(means).half_width};
}

Share batch_share(const std::vector<double>& values) {
  const Estimate estimate = batch_mean(values);
  Share share{estimate.mean, std::nullopt};
  if (std::isnan(estimate.half_width)) return share;
  const double least = 3 / static_cast<double>(values.size());
  double low = std::max(estimate.low(), 0.0), high = std::min(estimate.high(), 1.0);
  if (estimate.mean == 1) low = 1 - least;
  if (estimate.mean == 0) high = least;
  share.interval = {low, high};
  return share;
}

}  // namespace regroup::tools
