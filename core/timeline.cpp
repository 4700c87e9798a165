#include "core/timeline.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/result_text.hpp"

namespace regroup {
namespace {

using Annotation = PerfettoWriter::Annotation;

// What a run is called on its GPUs: "1024x1024 x8 steps 12".
std::string title(const RunRecord& run, const Stage& stage) {
  const Task& task = *run.tasks.front();
  std::string text = fmt::format("{} x{}", text_of(task.shape), run.group.size());
  if (task.kind == StageKind::kDenoise)
    text += fmt::format(" steps {}", run.steps);
  else
    text = fmt::format("{} {}", stage.name, text);
  if (run.tasks.size() > 1) text += fmt::format(" batch {}", run.tasks.size());
  return text;
}

const char* violation(RequestOutcome::End end) {
  switch (end) {
    case RequestOutcome::End::kFinished:
      return "deadline missed";
    case RequestOutcome::End::kRejected:
      return "rejected";
    case RequestOutcome::End::kUnfinished:
      break;
  }
  return "unfinished";
}

}  // namespace

TimelineLog::TimelineLog(const std::filesystem::path& directory, const Catalog& catalog,
                         const NameTable<ClassId>& classes)
    : catalog_(catalog), classes_(classes), file_(directory, "timeline.pftrace"), writer_(file_) {
  const Track gpus = writer_.add_process("GPUs");
  int rank = 0;
  waiting_ = writer_.add_counter(gpus, "waiting tasks", rank++);
  busy_ = writer_.add_counter(gpus, "busy GPUs", rank++);
  for (const Gpu& gpu : catalog.gpus())
    gpu_tracks_.push_back(writer_.add_track(
        gpus, fmt::format("node {} gpu {}", gpu.node.value, gpu.id.value), rank++));
  requests_ = writer_.add_process("Requests");
}

TimelineLog::Track TimelineLog::class_track(ClassId request_class) {
  const std::uint32_t index = request_class.value;
  if (index >= class_tracks_.size()) class_tracks_.resize(index + 1);
  if (class_tracks_[index] == Track{})
    class_tracks_[index] =
        writer_.add_track(requests_, classes_.name(request_class), static_cast<int>(index));
  return class_tracks_[index];
}

TimelineLog::Track TimelineLog::add_request_track(RequestId id, const Live& request) {
  const std::string name =
      fmt::format("{} {}", classes_.name(request.request_class), request.label);
  return writer_.add_track(class_track(request.request_class), name, static_cast<int>(id.value));
}

TimelineLog::Lane& TimelineLog::free_lane(RequestId id, Live& request, TimePoint from) {
  for (Lane& lane : request.lanes)
    if (lane.free <= from) return lane;
  request.lanes.push_back({add_request_track(id, request), from});
  return request.lanes.back();
}

void TimelineLog::on_arrival(TimePoint at, const Request& request) {
  Live& live = live_[request.id];
  live.label = request.label;
  live.request_class = request.request_class;
  live.idle_since = at;
  free_lane(request.id, live, at);
}

void TimelineLog::on_launch(TimePoint at, const Launch& launch) {
  busy_gpus_ += static_cast<std::int64_t>(launch.group.size());
  std::vector<RequestId>& requests = running_[launch.run];
  for (const Task* task : launch.tasks) {
    requests.push_back(task->request);
    Live& live = live_.at(task->request);
    end_waiting(live, at);
    ++live.running;
  }
}

void TimelineLog::end_waiting(Live& request, TimePoint at) {
  if (request.running > 0 || request.idle_since == at) return;
  Lane& lane = request.lanes.front();
  writer_.begin(request.idle_since, lane.track, {"request", "waiting"});
  writer_.end(at, lane.track);
  lane.free = at;
}

void TimelineLog::on_preempt(TimePoint at, RunId run) {
  for (const RequestId request : running_.at(run))
    writer_.instant(at, live_.at(request).lanes.front().track, {"request", "preempt"});
}

void TimelineLog::on_run_end(const RunRecord& run) {
  busy_gpus_ -= static_cast<std::int64_t>(run.group.size());
  running_.erase(run.run);
  draw_on_gpus(run);
  draw_on_requests(run);
  for (const Task* task : run.tasks) {
    Live& live = live_.at(task->request);
    if (--live.running == 0) live.idle_since = run.ended;
  }
}

// Every run may turn out to be the one that the request moves away from, so an arrow leaves each of
// them; it arrives only if the next run takes in other GPUs.
TimelineLog::Arrows TimelineLog::next_arrows(const RunRecord& run) {
  Arrows arrows;
  arrows.arriving.resize(run.group.size());
  for (const Task* task : run.tasks) {
    Live& live = live_.at(task->request);
    if (!live.state.empty() && live.state_since <= run.launched) {
      const auto is_new = [&](GpuId gpu) { return !live.state.contains(gpu); };
      const auto* const other = std::find_if(run.group.begin(), run.group.end(), is_new);
      if (other != run.group.end())
        arrows.arriving[static_cast<std::size_t>(other - run.group.begin())].push_back(live.flow);
    }
    live.state = run.group;
    live.state_since = run.ended;
    live.flow = ++flows_;
    arrows.leaving.push_back(live.flow);
  }
  return arrows;
}

void TimelineLog::draw_on_gpus(const RunRecord& run) {
  const Task& first = *run.tasks.front();
  const Stage& stage = catalog_.stages(first.model).stage(first.stage);
  const std::string name = title(run, stage);
  const std::string layout = text_of(run.layout);
  std::string labels;
  for (const Task* task : run.tasks)
    labels += (labels.empty() ? "" : " ") + live_.at(task->request).label;
  const Annotation annotations[] = {
      {"request", std::string_view(labels)},
      {"class", std::string_view(classes_.name(first.request_class))},
      {"run", static_cast<std::int64_t>(run.run.value)},
      {"stage", std::string_view(stage.name)},
      {"degree", static_cast<std::int64_t>(run.group.size())},
      {"layout", std::string_view(layout)},
      {"steps", std::int64_t{run.steps}},
      {"expected_s", nearest_seconds(run.expected)},
      {"failed", std::int64_t{run.failed}},
  };
  const std::pair<const char*, Duration> parts[] = {{"dispatch", run.times.dispatch},
                                                    {"set-up", run.times.setup},
                                                    {"migrate", run.times.migrate},
                                                    {"compute", run.times.compute}};
  const Arrows arrows = next_arrows(run);
  for (std::size_t member = 0; member < run.group.size(); ++member) {
    const Track track = gpu_tracks_.at(run.group[member].value);
    PerfettoWriter::Label label{"run", name, annotations};
    if (member == 0) label.leaving = arrows.leaving;
    label.arriving = arrows.arriving[member];
    writer_.begin(run.launched, track, label);
    TimePoint at = run.launched;
    for (const auto& [part, length] : parts) {
      if (length == Duration::zero()) continue;
      writer_.begin(at, track, {"part", part});
      at += length;
      writer_.end(at, track);
    }
    writer_.end(run.ended, track);
  }
}

void TimelineLog::draw_on_requests(const RunRecord& run) {
  const std::string gpus = text_of(run.group);
  const Annotation annotations[] = {
      {"run", static_cast<std::int64_t>(run.run.value)},
      {"gpus", std::string_view(gpus)},
      {"steps", std::int64_t{run.steps}},
  };
  for (const Task* task : run.tasks) {
    std::string name = catalog_.stages(task->model).stage(task->stage).name;
    if (task->kind == StageKind::kDenoise) name += fmt::format(" x{}", run.group.size());
    Lane& lane = free_lane(task->request, live_.at(task->request), run.launched);
    writer_.begin(run.launched, lane.track, {"request", name, annotations});
    writer_.end(run.ended, lane.track);
    lane.free = run.ended;
  }
}

void TimelineLog::on_request_end(const RequestOutcome& outcome) {
  Live& live = live_.at(outcome.request->id);
  end_waiting(live, outcome.ended);
  if (outcome.violated())
    writer_.instant(outcome.ended, live.lanes.front().track, {"request", violation(outcome.end)});
  live_.erase(outcome.request->id);
}

void TimelineLog::on_instant(TimePoint at, std::size_t ready_tasks, int) {
  const auto waiting = static_cast<std::int64_t>(ready_tasks);
  if (waiting != shown_waiting_) writer_.count(at, waiting_, waiting);
  if (busy_gpus_ != shown_busy_) writer_.count(at, busy_, busy_gpus_);
  shown_waiting_ = waiting;
  shown_busy_ = busy_gpus_;
}

}  // namespace regroup
