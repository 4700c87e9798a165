#include "core/conservation.hpp"

#include <algorithm>
#include <cmath>

#include "core/errors.hpp"

namespace regroup {
namespace {

// The charges are doubles, one rounding a run: far below this, and any lost run is far above.
constexpr double kRelativeError = 1e-9;

template <class... Args>
[[noreturn, gnu::cold, gnu::noinline]] void broken(TimePoint at, fmt::format_string<Args...> text,
                                                   Args&&... args) {
  fail<InternalError>("conservation, at {:.9f} s: {}", to_seconds(at),
                      fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace

Conservation::Conservation(std::size_t gpus)
    : run_on_(gpus, kNoRun), rank_(gpus), begins_here_(gpus) {}

// Inline, as others below: see control_loop.cpp.
inline void Conservation::pass(TimePoint at) {
  if (at < now_) broken(now_, "time went back to {:.9f} s", to_seconds(at));
  now_ = at;
}

inline Conservation::Live& Conservation::live(RequestId request, const char* what) {
  if (Live* const found = live_.find(request)) [[likely]]
    return *found;
  const bool arrived = last_arrived_ && request <= *last_arrived_;
  broken(now_, "request {} {} {}", request.value, what,
         arrived ? "but has ended" : "but never arrived");
}

inline void Conservation::check(GpuId gpu, RunId run) const {
  if (gpu.value >= run_on_.size())
    broken(now_, "run {} uses GPU {} of {}", run.value, gpu.value, run_on_.size());
}

void Conservation::on_arrival(TimePoint at, const Request& request) {
  pass(at);
  if (last_arrived_ && request.id <= *last_arrived_)
    broken(at, "request {} arrives after request {}", request.id.value, last_arrived_->value);
  last_arrived_ = request.id;
  live_.add(request.id) = {.steps_left = request.steps};
}

void Conservation::on_launch(TimePoint at, const Launch& launch) {
  pass(at);
  for (const Task* task : launch.tasks) ++live(task->request, "is launched").running;
  std::uint8_t rank = 0;
  for (const GpuId gpu : launch.group) {
    check(gpu, launch.run);
    RunId& running = run_on_[gpu.value];
    if (running != kNoRun)
      broken(at, "GPU {} is given to run {} while it runs run {}", gpu.value, launch.run.value,
             running.value);
    running = launch.run;
    rank_[gpu.value] = rank++;
  }
  if (rank > 0)
    begins_here_[launch.group[0].value] = {at, rank,
                                           static_cast<std::uint32_t>(launch.tasks.size())};
  if (last_launched_ && launch.run <= *last_launched_)
    broken(at, "run {} is launched twice", launch.run.value);
  last_launched_ = launch.run;
  ++running_;
}

void Conservation::on_preempt(TimePoint at, RunId, std::span<const Task* const>) { pass(at); }

inline void Conservation::release(const RunRecord& run) {
  if (run.group.empty()) not_as_launched(run);
  check(run.group[0], run.run);
  const Running& launched = begins_here_[run.group[0].value];
  if (launched.launched != run.launched || launched.gpus != run.group.size() ||
      launched.tasks != run.tasks.size())
    not_as_launched(run);
  std::uint8_t rank = 0;
  for (const GpuId gpu : run.group) {
    check(gpu, run.run);
    RunId& running = run_on_[gpu.value];
    if (running != run.run || rank_[gpu.value] != rank++) not_as_launched(run);
    running = kNoRun;
  }
  busy_ += rank * (run.ended - run.launched);
}

void Conservation::not_as_launched(const RunRecord& run) const {
  if (std::ranges::find(run_on_, run.run) == run_on_.end())
    broken(run.ended, "run {} ends but does not run", run.run.value);
  broken(run.ended, "run {} does not end as it was launched (time, group or batch differ)",
         run.run.value);
}

void Conservation::on_run_end(const RunRecord& run) {
  pass(run.ended);
  release(run);
  const RunTimes& times = run.times;
  for (const Duration part : {times.dispatch, times.setup, times.migrate, times.compute})
    if (part < Duration::zero())
      broken(run.ended, "run {} has a part of {} ns", run.run.value, part.count());
  if (times.total() != run.ended - run.launched)
    broken(run.ended, "the parts of run {} add up to {} ns, but it took {} ns", run.run.value,
           times.total().count(), (run.ended - run.launched).count());

  --running_;
  for (const Task* task : run.tasks) {
    Live& request = live(task->request, "has a run that ends");
    if (request.running == 0)
      broken(run.ended, "run {} ends with request {}, which it did not run", run.run.value,
             task->request.value);
    --request.running;
    if (task->kind != StageKind::kDenoise) continue;
    request.steps_left -= run.steps;
    if (run.steps < 0 || request.steps_left < 0)
      broken(run.ended, "request {} has done {} of its {} steps after run {} of {}",
             task->request.value, task->denoise_steps - request.steps_left, task->denoise_steps,
             run.run.value, run.steps);
  }
}

void Conservation::on_request_end(const RequestOutcome& outcome) {
  pass(outcome.ended);
  const RequestId id = outcome.request->id;
  const Live& request = live(id, "ends");
  if (request.running > 0)
    broken(now_, "request {} ends while {} of its tasks run", id.value, request.running);
  if (outcome.end == RequestOutcome::End::kFinished && request.steps_left != 0)
    broken(now_, "request {} finishes with {} of its {} steps done", id.value,
           outcome.request->steps - request.steps_left, outcome.request->steps);
  charged_s_ += outcome.gpu_seconds;
  live_.remove(id);
}

void Conservation::on_instant(TimePoint at, std::size_t, int) { pass(at); }

void Conservation::on_end(TimePoint at) {
  pass(at);
  if (running_ > 0) {
    const RunId first = *std::ranges::min_element(run_on_);
    broken(at, "run {} is left running ({} in all)", first.value, running_);
  }
  if (!live_.empty())
    broken(at, "request {} arrived but never ended ({} in all)", live_.ids().front().value,
           live_.size());
  const double busy_s = to_seconds(busy_);
  if (!(std::abs(charged_s_ - busy_s) <= kRelativeError * busy_s))
    broken(at, "the GPUs were busy for {} GPU seconds, but requests are charged {}", busy_s,
           charged_s_);
}

}  // namespace regroup
