#include "core/timeline.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/errors.hpp"
#include "core/result_text.hpp"

namespace regroup {

TimelineLog::TimelineLog(const std::filesystem::path& directory, const Catalog& catalog,
                         const NameTable<ClassId>& classes, std::uint64_t sample)
    : catalog_(catalog),
      classes_(classes),
      sample_(sample),
      file_(directory, "timeline.pftrace"),
      writer_(file_) {
  RG_CHECK(sample > 0, "a sample of no requests");
  const Track gpus = writer_.add_process("GPUs");
  int rank = 0;
  waiting_ = writer_.add_counter(gpus, "waiting tasks", rank++);
  busy_ = writer_.add_counter(gpus, "busy GPUs", rank++);
  for (const Gpu& gpu : catalog.gpus())
    gpu_tracks_.push_back(writer_.add_track(
        gpus, fmt::format("node {} gpu {}", gpu.node.value, gpu.id.value), rank++));
  requests_ = writer_.add_process("Requests");
}

PerfettoWriter::Word& TimelineLog::word(const std::string& text) {
  const auto [entry, is_new] = words_.try_emplace(text);
  if (is_new) entry->second.text = entry->first;
  return entry->second;
}

PerfettoWriter::Word& TimelineLog::value(const std::string& text) {
  const auto [entry, is_new] = values_.try_emplace(text);
  if (is_new) entry->second.text = entry->first;
  return entry->second;
}

std::size_t TimelineLog::HashRunKind::operator()(const RunKind& kind) const {
  const Layout l = kind.layout;
  std::uint64_t hash = 0;
  for (const std::uint64_t part :
       {std::uint64_t{kind.shape.value} << 32 | kind.request_class.value,
        std::uint64_t{kind.stage} << 32 | std::uint64_t{l.cfg} << 24 | l.ulysses << 16 |
            l.ring << 8 | l.tp,
        std::uint64_t{kind.gpus} << 48 ^ std::uint64_t{kind.batch} << 32 ^
            static_cast<std::uint32_t>(kind.steps)})
    hash = (hash ^ part) * 0x9E3779B97F4A7C15u;
  return static_cast<std::size_t>(hash ^ hash >> 32);
}

// Mostly those of the request's run before.
const TimelineLog::RunWords& TimelineLog::words_of(const RunRecord& run, const RunWords* guess) {
  const Task& first = *run.tasks.front();
  const RunKind kind{.shape = first.shape_id,
                     .request_class = first.request_class,
                     .stage = first.stage,
                     .layout = run.layout,
                     .gpus = run.group.size(),
                     .batch = run.tasks.size(),
                     .steps = run.steps};
  if (guess != nullptr && guess->kind == kind) return *guess;
  const auto [entry, is_new] = kinds_.try_emplace(kind);
  if (is_new) {
    entry->second = make_words(run);
    entry->second.kind = kind;
  }
  return entry->second;
}

TimelineLog::RunWords TimelineLog::make_words(const RunRecord& run) {
  const Task& first = *run.tasks.front();
  const std::string& stage = catalog_.stages(first.model).stage(first.stage).name;
  const bool denoise = first.kind == StageKind::kDenoise;
  const auto gpus = static_cast<std::int64_t>(run.group.size());

  // "1024x1024 x8 steps 12", "encode 1024x1024 x1"
  std::string on_gpus = fmt::format("{} x{}", text_of(first.shape), gpus);
  if (denoise)
    on_gpus += fmt::format(" steps {}", run.steps);
  else
    on_gpus = stage + ' ' + on_gpus;
  if (run.tasks.size() > 1) on_gpus += fmt::format(" batch {}", run.tasks.size());

  RunWords words;
  words.on_gpus = &word(on_gpus);
  words.on_requests = &word(denoise ? fmt::format("{} x{}", stage, gpus) : stage);
  std::string& notes = words.gpu_notes;
  writer_.annotate(notes, notes_.request_class, value(classes_.name(first.request_class)));
  writer_.annotate(notes, notes_.stage, value(stage));
  writer_.annotate(notes, notes_.degree, gpus);
  writer_.annotate(notes, notes_.layout, value(text_of(run.layout)));
  writer_.annotate(notes, notes_.steps, std::int64_t{run.steps});
  writer_.annotate(words.request_notes, notes_.steps, std::int64_t{run.steps});
  return words;
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
  if (request.id.value % sample_ != 0) return;
  drew_ = true;
  Live& live = live_.add(request.id);
  live = {};
  live.label = request.label;
  live.request_class = request.request_class;
  live.idle_since = at;
  free_lane(request.id, live, at);
}

void TimelineLog::on_launch(TimePoint at, const Launch& launch) {
  busy_gpus_ += static_cast<std::int64_t>(launch.group.size());
  for (const Task* task : launch.tasks) {
    Live* const live = live_.find(task->request);
    if (live == nullptr) continue;
    drew_ = true;
    end_waiting(*live, at);
    ++live->running;
  }
}

void TimelineLog::end_waiting(Live& request, TimePoint at) {
  if (request.running > 0 || request.idle_since == at) return;
  Lane& lane = request.lanes.front();
  writer_.begin(request.idle_since, lane.track, {request_, waiting_name_});
  writer_.end(at, lane.track);
  lane.free = at;
}

void TimelineLog::on_preempt(TimePoint at, RunId, std::span<const Task* const> tasks) {
  for (const Task* task : tasks) {
    Live* const live = live_.find(task->request);
    if (live == nullptr) continue;
    drew_ = true;
    writer_.instant(at, live->lanes.front().track, {request_, preempt_});
  }
}

void TimelineLog::on_run_end(const RunRecord& run) {
  busy_gpus_ -= static_cast<std::int64_t>(run.group.size());
  drawn_.clear();
  for (const Task* task : run.tasks)
    if (Live* const request = live_.find(task->request)) drawn_.push_back({task, request});
  if (drawn_.empty()) return;
  drew_ = true;
  next_arrows(run);
  const RunWords& words = words_of(run, drawn_.front().request->noted);
  for (const Drawn& drawn : drawn_)
    if (drawn.request->noted != &words) make_notes(*drawn.request, words);
  run_notes_.clear();
  writer_.annotate(run_notes_, notes_.run, static_cast<std::int64_t>(run.run.value));
  run_number_size_ = run_notes_.size();
  writer_.annotate(run_notes_, notes_.expected, nearest_seconds(run.expected));
  if (run.failed) writer_.annotate(run_notes_, notes_.failed, std::int64_t{1});
  const Stamp launched(run.launched), ended(run.ended);
  draw_on_gpus(run, words, launched, ended);
  draw_on_requests(run, words, launched, ended);
  for (const Drawn& drawn : drawn_)
    if (--drawn.request->running == 0) drawn.request->idle_since = run.ended;
}

void TimelineLog::make_notes(Live& request, const RunWords& words) {
  request.noted = &words;
  request.gpu_notes.clear();
  writer_.annotate(request.gpu_notes, notes_.request, request.label);
  request.gpu_notes += words.gpu_notes;
  request.request_notes = words.request_notes;
  text_.clear();
  append(text_, request.state);
  writer_.annotate(request.request_notes, notes_.gpus, text_);
}

// Every run may turn out to be the one that the request moves away from, so an arrow leaves each of
// them; it arrives only if the next run takes in other GPUs.
void TimelineLog::next_arrows(const RunRecord& run) {
  leaving_.clear();
  arriving_.clear();
  for (const Drawn& drawn : drawn_) {
    Live& request = *drawn.request;
    if (request.state != run.group) {
      if (!request.state.empty() && request.state_since <= run.launched) {
        const auto is_new = [&](GpuId gpu) { return !request.state.contains(gpu); };
        const auto* const other = std::find_if(run.group.begin(), run.group.end(), is_new);
        if (other != run.group.end())
          arriving_.push_back({static_cast<std::size_t>(other - run.group.begin()), request.flow});
      }
      request.state = run.group;
      request.noted = nullptr;
    }
    request.state_since = run.ended;
    request.flow = ++flows_;
    leaving_.push_back(request.flow);
  }
}

// Valid until the next call.
std::string_view TimelineLog::gpu_notes(const RunWords& words) {
  if (drawn_.size() == 1) return drawn_.front().request->gpu_notes;
  text_.clear();
  for (const Drawn& drawn : drawn_) {
    if (!text_.empty()) text_ += ' ';
    text_ += drawn.request->label;
  }
  annotations_.clear();
  writer_.annotate(annotations_, notes_.request, text_);
  return annotations_ += words.gpu_notes;
}

void TimelineLog::draw_on_gpus(const RunRecord& run, const RunWords& words, const Stamp& launched,
                               const Stamp& ended) {
  const std::string_view notes = gpu_notes(words);
  const bool has_parts = 100 * (run.times.total() - run.times.compute) >= run.times.total() &&
                         run.times.total() > run.times.compute;
  for (std::size_t member = 0; member < run.group.size(); ++member) {
    const Track track = gpu_tracks_.at(run.group[member].value);
    PerfettoWriter::Label label{run_, *words.on_gpus, notes, run_notes_};
    if (member == 0) label.leaving = leaving_;
    if (!arriving_.empty()) {
      arriving_here_.clear();
      for (const Arrival& arrival : arriving_)
        if (arrival.member == member) arriving_here_.push_back(arrival.flow);
      label.arriving = arriving_here_;
    }
    writer_.begin(launched, track, label);
    if (has_parts) draw_parts(run, track);
    writer_.end(ended, track);
  }
}

void TimelineLog::draw_parts(const RunRecord& run, Track track) {
  TimePoint at = run.launched;
  const auto draw = [&](Word& name, Duration length) {
    if (length == Duration::zero()) return;
    writer_.begin(at, track, {part_, name});
    at += length;
    writer_.end(at, track);
  };
  draw(dispatch_, run.times.dispatch);
  draw(setup_, run.times.setup);
  draw(migrate_, run.times.migrate);
  draw(compute_, run.times.compute);
}

void TimelineLog::draw_on_requests(const RunRecord& run, const RunWords& words,
                                   const Stamp& launched, const Stamp& ended) {
  const auto run_number = std::string_view(run_notes_).substr(0, run_number_size_);
  for (const Drawn& drawn : drawn_) {
    Lane& lane = free_lane(drawn.task->request, *drawn.request, run.launched);
    writer_.begin(launched, lane.track,
                  {request_, *words.on_requests, drawn.request->request_notes, run_number});
    writer_.end(ended, lane.track);
    lane.free = run.ended;
  }
}

void TimelineLog::on_request_end(const RequestOutcome& outcome) {
  Live* const live = live_.find(outcome.request->id);
  if (live == nullptr) return;
  drew_ = true;
  end_waiting(*live, outcome.ended);
  if (outcome.violated()) {
    Word& how = outcome.end == RequestOutcome::End::kFinished   ? late_
                : outcome.end == RequestOutcome::End::kRejected ? rejected_
                                                                : unfinished_;
    writer_.instant(outcome.ended, live->lanes.front().track, {request_, how});
  }
  live_.remove(outcome.request->id);
}

void TimelineLog::on_instant(TimePoint at, std::size_t ready_tasks, int) {
  if (sample_ > 1 && !drew_) return;
  drew_ = false;
  const auto waiting = static_cast<std::int64_t>(ready_tasks);
  if (waiting != shown_waiting_) writer_.count(at, waiting_, waiting);
  if (busy_gpus_ != shown_busy_) writer_.count(at, busy_, busy_gpus_);
  shown_waiting_ = waiting;
  shown_busy_ = busy_gpus_;
}

}  // namespace regroup
