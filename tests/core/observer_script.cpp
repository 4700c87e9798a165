#include "tests/core/observer_script.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace regroup::script {
namespace {

Duration microseconds(std::int64_t count) { return std::chrono::microseconds(count); }

}  // namespace

FakeCatalog::FakeCatalog(int nodes) {
  for (std::uint32_t n = 0; n < static_cast<std::uint32_t>(nodes); ++n) {
    nodes_.push_back({.id = {n}, .first = {2 * n}, .count = 2});
    for (const std::uint32_t g : {2 * n, 2 * n + 1}) gpus_.push_back({.id = {g}, .node = {n}});
  }
}

RequestId Script::arrive(const std::string& label, const std::string& class_name, int steps,
                         TimePoint deadline) {
  const RequestId id{next_request_++};
  Live& live = live_[id];
  live.request = {.id = id,
                  .label = label,
                  .arrival = now,
                  .shape = {1024, 1024, 1},
                  .steps = steps,
                  .request_class = classes.intern(class_name),
                  .priority = static_cast<int>(id.value),
                  .deadline = deadline};
  live.outcome.request = &live.request;
  for (Observer* observer : observers) observer->on_arrival(now, live.request);
  return id;
}

RunId Script::launch(const std::vector<RequestId>& requests, std::uint8_t stage, const Group& group,
                     Layout layout, std::int64_t migrated_bytes) {
  const RunId id{next_run_++};
  Run& run = runs_[id];
  run.group = group;
  run.layout = layout;
  run.launched = now;
  std::vector<const Task*> tasks;
  run.tasks.reserve(requests.size());
  for (const RequestId request : requests) {
    Live& live = live_.at(request);
    const StageKind kind = catalog.stages({}).stage(stage).kind;
    const bool denoise = kind == StageKind::kDenoise;
    run.tasks.push_back({.id = {4 * request.value + stage},
                         .request = request,
                         .slot = static_cast<std::uint32_t>(4 * request.value + stage),
                         .request_class = live.request.request_class,
                         .stage = stage,
                         .kind = kind,
                         .shape = live.request.shape,
                         .steps_total = denoise ? live.request.steps : 1,
                         .steps_done = denoise ? live.steps_done : 0,
                         .group = live.group});
    tasks.push_back(&run.tasks.back());
    RequestOutcome& outcome = live.outcome;
    outcome.started = std::min(outcome.started, now);
    ++outcome.runs;
    outcome.migrations += migrated_bytes > 0 ? 1 : 0;
    outcome.migrated_bytes += migrated_bytes;
    if (!denoise) continue;
    if (outcome.widest > 0 && live.group != group) ++outcome.group_changes;
    const int degree = static_cast<int>(group.size());
    outcome.narrowest = outcome.narrowest == 0 ? degree : std::min(outcome.narrowest, degree);
    outcome.widest = std::max(outcome.widest, degree);
  }
  const Launch launch{.run = id, .tasks = tasks, .group = group, .layout = layout};
  for (Observer* observer : observers) observer->on_launch(now, launch);
  return id;
}

void Script::preempt(RunId id) {
  Run& run = runs_.at(id);
  run.preempted = true;
  std::vector<const Task*> tasks;
  for (const Task& task : run.tasks) tasks.push_back(&task);
  for (Observer* observer : observers) observer->on_preempt(now, id, tasks);
}

void Script::end(RunId id, int steps, Parts parts, bool setup_needed, bool failed) {
  Run& run = runs_.at(id);
  const RunTimes times{microseconds(parts.dispatch), microseconds(parts.setup),
                       microseconds(parts.migrate), microseconds(parts.compute)};
  now = run.launched + times.total();
  std::vector<const Task*> tasks;
  for (Task& task : run.tasks) {
    Live& live = live_.at(task.request);
    RequestOutcome& outcome = live.outcome;
    task.steps_done += steps;
    live.group = run.group;
    if (run.preempted) ++outcome.preemptions;
    outcome.busy += times.total();
    outcome.gpu_seconds += to_seconds(times.total()) * static_cast<double>(run.group.size()) /
                           static_cast<double>(run.tasks.size());
    if (task.kind == StageKind::kEncode) outcome.encode += times.total();
    if (task.kind == StageKind::kDenoise) outcome.denoise += times.total();
    if (task.kind == StageKind::kDenoise) live.steps_done += steps;
    if (task.kind == StageKind::kDecode) outcome.decode += times.total();
    tasks.push_back(&task);
  }
  const RunRecord record{.run = id,
                         .tasks = tasks,
                         .group = run.group,
                         .layout = run.layout,
                         .steps = steps,
                         .launched = run.launched,
                         .ended = now,
                         .times = times,
                         .expected = microseconds(parts.compute),
                         .setup_needed = setup_needed,
                         .failed = failed};
  for (Observer* observer : observers) observer->on_run_end(record);
  runs_.erase(id);
}

void Script::end_request(RequestId request, RequestOutcome::End how) {
  Live& live = live_.at(request);
  live.outcome.end = how;
  live.outcome.ended = now;
  for (Observer* observer : observers) observer->on_request_end(live.outcome);
  live_.erase(request);
}

void Script::instant(std::size_t ready) {
  std::size_t busy = 0;
  for (const auto& [id, run] : runs_) busy += run.group.size();
  const auto idle = static_cast<int>(catalog.gpus().size() - busy);
  for (Observer* observer : observers) observer->on_instant(now, ready, idle);
}

void Script::finish() {
  for (Observer* observer : observers) observer->on_end(now);
}

void play_story(Script& script) {
  const Layout one{};
  const Layout two{.cfg = 1, .ulysses = 2};
  const Layout four{.cfg = 2, .ulysses = 2};
  script.now = us(1000);
  const RequestId a = script.arrive("a,1", "small", 4, us(100'000));
  const RunId encode = script.launch({a}, 0, {{0}}, one);
  script.instant(0);
  script.now = us(2000);
  const RequestId b = script.arrive("b", "large", 4);
  script.instant(1);
  script.end(encode, 1, {.dispatch = 100, .compute = 1900});
  const RunId wide = script.launch({a}, 1, {{0}, {1}}, two, 1000);
  script.instant(1);
  script.now = us(4000);
  script.preempt(wide);
  script.now = us(5000);
  const RequestId c = script.arrive("c", "small", 4, us(15'000));
  script.instant(2);
  script.end(wide, 2, {.dispatch = 100, .setup = 400, .migrate = 500, .compute = 6000}, true);
  script.instant(3);
  script.now = us(12'000);
  const RunId narrow = script.launch({a}, 1, {{2}}, one, 1000);
  script.instant(2);
  script.end(narrow, 2, {.dispatch = 100, .migrate = 900, .compute = 7000});
  const RunId decode = script.launch({a}, 2, {{2}}, one);
  script.end(decode, 1, {.dispatch = 100, .compute = 1900});
  script.end_request(a);
  script.end_request(b, RequestOutcome::End::kRejected);
  const RequestId d = script.arrive("d", "large", 1, us(30'000));
  script.instant(2);
  script.now = us(25'000);
  const RunId widest = script.launch({d}, 1, {{0}, {1}, {2}, {3}}, four);
  script.instant(1);
  script.end(widest, 1, {.dispatch = 1000, .setup = 1000, .compute = 13'000}, true);
  script.end_request(d);
  script.end_request(c, RequestOutcome::End::kUnfinished);
  script.instant(0);
  script.finish();
}

}  // namespace regroup::script
