#include "tools/report/run_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/result_text.hpp"
#include "tools/report/columns.hpp"
#include "tools/report/request_story.hpp"
#include "tools/report/series.hpp"

namespace regroup::tools {
namespace {

using Json = nlohmann::ordered_json;
using Column = std::vector<std::int64_t>;

constexpr std::size_t kIntervals = 300;  // of the charts over time
constexpr std::size_t kCurvePoints = 150;
constexpr std::size_t kWorst = 10;

std::int64_t microseconds(Duration time) {
  return std::chrono::round<std::chrono::microseconds>(time).count();
}
// Less the first arrival; -1 for never.
std::int64_t microseconds(const RunFacts& facts, TimePoint at) {
  return at == kNever ? -1 : microseconds(at - facts.begin);
}

// Five digits are more than a chart shows.
Json rounded(const std::vector<double>& values) {
  Json json = Json::array();
  for (const double value : values) json.push_back(std::stod(fmt::format("{:.5g}", value)));
  return json;
}

Json json_of(const Estimate& estimate) {
  if (std::isnan(estimate.half_width)) return {{"mean", estimate.mean}};
  return {{"mean", estimate.mean}, {"low", estimate.low()}, {"high", estimate.high()}};
}
Json json_of(const Share& share) {
  Json json = {{"mean", share.mean}};
  if (share.interval) {
    json["low"] = share.interval->first;
    json["high"] = share.interval->second;
  }
  return json;
}

// Values numbered in order of first appearance.
class Words {
 public:
  std::int64_t operator()(const std::string& word) {
    const auto [at, is_new] = number_.emplace(word, static_cast<std::int64_t>(words_.size()));
    if (is_new) words_.push_back(word);
    return at->second;
  }
  const std::vector<std::string>& words() const { return words_; }

 private:
  std::map<std::string, std::int64_t> number_;
  std::vector<std::string> words_;
};

// What is told of all requests, or of those of a class.
Json level_json(const RunFacts& facts, const std::string* request_class) {
  std::vector<double> in_time, latencies;
  for (const RequestRow& row : facts.requests()) {
    if (request_class != nullptr && row.request_class != *request_class) continue;
    in_time.push_back(row.violated() ? 0 : 1);
    if (row.finish != kNever) latencies.push_back(to_seconds(row.finish - row.arrival));
  }
  Json json = {{"requests", in_time.size()},
               {"finished", latencies.size()},
               {"attainment", json_of(batch_share(in_time))},
               {"latency_s", json_of(batch_mean(latencies))}};
  return json;
}

// How many finished within each latency, as a share of all requests of the class.
Json curve_json(const RunFacts& facts, const std::string& request_class) {
  std::vector<double> latencies, allowed;
  std::size_t requests = 0;
  for (const RequestRow& row : facts.requests()) {
    if (row.request_class != request_class) continue;
    ++requests;
    if (row.finish != kNever) latencies.push_back(to_seconds(row.finish - row.arrival));
    if (row.deadline != kNever) allowed.push_back(to_seconds(row.deadline - row.arrival));
  }
  std::ranges::sort(latencies);
  std::ranges::sort(allowed);
  std::vector<double> times, shares;
  const std::size_t points = std::min(latencies.size(), kCurvePoints);
  for (std::size_t i = 0; i < points; ++i) {
    const std::size_t rank = points == 1 ? 0 : i * (latencies.size() - 1) / (points - 1);
    times.push_back(latencies[rank]);
    shares.push_back(static_cast<double>(rank + 1) / static_cast<double>(requests));
  }
  Json json = {{"latency_s_points", rounded(times)}, {"share", rounded(shares)}};
  for (const double p : {0.5, 0.9, 0.95, 0.99})
    json[fmt::format("p{:.0f}_s", 100 * p)] = percentile(latencies, p);
  if (!allowed.empty())
    json["deadline_s"] = {percentile(allowed, 0.05), percentile(allowed, 0.5),
                          percentile(allowed, 0.95)};
  return json;
}

Json classes_json(const RunFacts& facts) {
  Json classes = Json::array();
  for (const std::string& name : facts.classes) {
    Json json = {{"name", name}};
    json.update(level_json(facts, &name));
    json.update(curve_json(facts, name));
    classes.push_back(std::move(json));
  }
  return classes;
}

Json series_json(const RunFacts& facts) {
  const Series series = series_of(facts, kIntervals);
  return {{"step_s", series.step_s},
          {"waiting", rounded(series.waiting)},
          {"most_waiting", rounded(series.most_waiting)},
          {"utilisation", rounded(series.utilisation)}};
}

// GPU seconds of denoising that went into collectives.
double collective_seconds(const RunFacts& facts, const RunCosts& costs) {
  double sum = 0;
  for (const Placement& each : facts.placements) {
    if (each.group.size() < 2 || each.requests.empty() || each.stage != "denoise") continue;
    const RequestRow& row = facts.requests()[each.requests.front()];
    sum += to_seconds(each.times.compute) * static_cast<double>(each.group.size()) *
           costs.collective_share(row, each.layout);
  }
  return sum;
}

Json story_json(const RunFacts& facts, const RequestStory& story) {
  const RequestRow& row = facts.requests()[story.request];
  const char* end = row.rejected ? "rejected" : row.finish == kNever ? "unfinished" : "finished";
  Json json = {{"request", story.request},       {"end", end},
               {"latency_s", story.latency_s},   {"waiting_s", story.waiting_s},
               {"moving_s", story.moving_s},     {"lost_s", story.lost_s},
               {"running_s", story.running_s},   {"runs", story.runs},
               {"moves", story.moves},           {"preemptions", story.preemptions},
               {"narrowest", story.narrowest},   {"widest", story.widest},
               {"reason", text_of(story.reason)}};
  if (story.alone_s) json["alone_s"] = *story.alone_s;
  if (story.lateness_s) json["lateness_s"] = *story.lateness_s;
  return json;
}

void add_stories(Json& json, const RunFacts& facts, const RunCosts* costs) {
  const std::vector<RequestStory> stories = stories_of(facts, costs);
  json["worst"] = Json::array();
  for (const std::size_t each : worst_of(stories, kWorst))
    json["worst"].push_back(story_json(facts, stories[each]));
  std::map<Reason, std::int64_t> reasons;
  RequestStory mean;
  for (const RequestStory& story : stories) {
    if (facts.requests()[story.request].violated()) ++reasons[story.reason];
    mean.waiting_s += story.waiting_s;
    mean.moving_s += story.moving_s;
    mean.lost_s += story.lost_s;
    mean.running_s += story.running_s;
  }
  json["reasons"] = Json::array();
  for (const auto& [reason, count] : reasons) json["reasons"].push_back({text_of(reason), count});
  const double count = std::max(1.0, static_cast<double>(stories.size()));
  json["mean_time"] = {{"waiting_s", mean.waiting_s / count},
                       {"running_s", mean.running_s / count},
                       {"moving_s", mean.moving_s / count},
                       {"lost_s", mean.lost_s / count}};
}

Json requests_json(const RunFacts& facts) {
  Words models, shapes;
  Json ids = Json::array();
  Column classes, model, shape, steps, arrivals, gone, deadlines, ends;
  for (std::size_t i = 0; i < facts.requests().size(); ++i) {
    const RequestRow& row = facts.requests()[i];
    ids.push_back(row.id);
    classes.push_back(static_cast<std::int64_t>(facts.class_of(row)));
    model.push_back(models(row.model));
    shape.push_back(shapes(text_of(row.shape)));
    steps.push_back(row.steps);
    arrivals.push_back(microseconds(facts, row.arrival));
    gone.push_back(microseconds(facts, facts.gone[i]));
    deadlines.push_back(row.deadline == kNever ? -1 : microseconds(row.deadline - row.arrival));
    ends.push_back(row.rejected ? 1 : row.finish == kNever ? 2 : row.violated() ? 3 : 0);
  }
  return {{"ids", ids},
          {"models", models.words()},
          {"shapes", shapes.words()},
          {"class", packed(classes)},
          {"model", packed(model)},
          {"shape", packed(shape)},
          {"steps", packed(steps)},
          {"arrival", packed(arrivals)},
          {"gone", packed(gone)},
          {"allowed", packed(deadlines)},
          {"end", packed(ends)}};
}

Json placements_json(const RunFacts& facts, std::size_t most) {
  Words groups, layouts, stages;
  Column run, count, request, stage, group, layout, steps, asked, launched, length, dispatch, setup,
      migrate, expected, failed, decision, preempted;
  const std::size_t shown = std::min(facts.placements.size(), most);
  for (std::size_t i = 0; i < shown; ++i) {
    const Placement& each = facts.placements[i];
    const Duration took = each.ended - each.launched;
    run.push_back(static_cast<std::int64_t>(each.run));
    count.push_back(static_cast<std::int64_t>(each.requests.size()));
    for (const std::size_t position : each.requests)
      request.push_back(static_cast<std::int64_t>(position));
    stage.push_back(stages(each.stage));
    group.push_back(groups(text_of(each.group)));
    layout.push_back(layouts(text_of(each.layout)));
    steps.push_back(each.steps);
    asked.push_back(each.mark.steps);
    launched.push_back(microseconds(facts, each.launched));
    length.push_back(microseconds(facts, each.ended) - microseconds(facts, each.launched));
    dispatch.push_back(microseconds(each.times.dispatch));
    setup.push_back(microseconds(each.times.setup));
    migrate.push_back(microseconds(each.times.migrate));
    expected.push_back(microseconds(each.expected - took));
    failed.push_back(each.failed ? 1 : 0);
    decision.push_back(static_cast<std::int64_t>(each.mark.decision));
    preempted.push_back(
        each.mark.preempted == kNever ? -1 : microseconds(each.mark.preempted - each.launched));
  }
  return {{"left_out", facts.placements.size() - shown},
          {"groups", groups.words()},
          {"layouts", layouts.words()},
          {"stages", stages.words()},
          {"run", packed(run)},
          {"requests", packed(count)},
          {"request", packed(request)},
          {"stage", packed(stage)},
          {"group", packed(group)},
          {"layout", packed(layout)},
          {"steps", packed(steps)},
          {"asked", packed(asked)},
          {"launched", packed(launched)},
          {"length", packed(length)},
          {"dispatch", packed(dispatch)},
          {"setup", packed(setup)},
          {"migrate", packed(migrate)},
          {"expected_more", packed(expected)},
          {"failed", packed(failed)},
          {"decision", packed(decision)},
          {"preempted", packed(preempted)}};
}

Json failures_json(const RunFacts& facts) {
  Json failures = Json::array();
  if (!facts.journal) return failures;
  for (const FailureMark& mark : facts.journal->failures)
    failures.push_back(
        {mark.gpu.value, microseconds(facts, mark.from), microseconds(facts, mark.to)});
  return failures;
}

}  // namespace

std::string run_json(const RunFacts& facts, const RunCosts* costs, const RunJsonOptions& options) {
  Json json = {{"name", facts.name},
               {"on", facts.folder.on()},
               {"summary", Json::parse(facts.summary)},
               {"notes", facts.notes},
               {"gpus", facts.gpus},
               {"gpus_per_node", facts.gpus_per_node},
               {"begin_us", microseconds(facts.begin - TimePoint{})},
               {"end_us", microseconds(facts, facts.end)},
               {"overall", level_json(facts, nullptr)},
               {"classes", classes_json(facts)},
               {"series", series_json(facts)},
               {"decisions", facts.journal ? facts.journal->decisions : 0}};
  if (!facts.placements.empty()) {
    add_stories(json, facts, costs);
    json["placements"] = placements_json(facts, options.most_placements);
  }
  if (costs != nullptr) json["collective_gpu_s"] = collective_seconds(facts, *costs);
  json["requests"] = requests_json(facts);
  json["failures"] = failures_json(facts);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace regroup::tools
