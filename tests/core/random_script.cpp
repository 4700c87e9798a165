#include <algorithm>

#include "core/random.hpp"
#include "tests/core/observer_script.hpp"

namespace regroup::script {
namespace {

struct Waiting {
  RequestId request;
  std::uint8_t stage = 0;
  int steps_left = 0;
};

struct UnderWay {
  RunId run;
  std::vector<Waiting> tasks;
  Group group;
  int steps = 0;
  Parts parts;
  TimePoint ends;
  bool failed = false;
};

class RandomScript {
 public:
  RandomScript(Script& script, std::uint64_t seed, int requests)
      : script_(script), random_(seed, "random script"), to_come_(requests) {
    for (const Gpu& gpu : script.catalog.gpus()) idle_.push_back(gpu.id);
  }

  void play() {
    while (to_come_ > 0 || !waiting_.empty() || !runs_.empty()) {
      if (to_come_ > 0 && (runs_.empty() || one_in(3)))
        arrive();
      else if (!runs_.empty())
        end_run();
      while (!waiting_.empty() && !idle_.empty() && !one_in(4)) decide();
      script_.instant(waiting_.size());
    }
    script_.finish();
  }

 private:
  bool one_in(std::uint64_t n) { return random_.below(n) == 0; }
  int up_to(std::size_t most) { return 1 + static_cast<int>(random_.below(most)); }
  std::int64_t part() { return static_cast<std::int64_t>(random_.below(3) * random_.below(500)); }

  template <class T>
  T take_any(std::vector<T>& from) {
    std::swap(from[random_.below(from.size())], from.back());
    const T taken = from.back();
    from.pop_back();
    return taken;
  }

  std::vector<UnderWay>::iterator next_run() {
    return std::min_element(runs_.begin(), runs_.end(),
                            [](const UnderWay& a, const UnderWay& b) { return a.ends < b.ends; });
  }

  void arrive() {
    TimePoint at = script_.now + std::chrono::microseconds(random_.below(300));
    if (!runs_.empty()) at = std::min(at, next_run()->ends);
    script_.now = at;
    const int steps = up_to(20);
    const TimePoint deadline = one_in(3) ? kNever : at + std::chrono::microseconds(up_to(20'000));
    const std::string label = std::to_string(to_come_--);
    waiting_.push_back(
        {script_.arrive(label, one_in(2) ? "this" : "that", steps, deadline), 0, steps});
  }

  // Mostly launches a task, or two of one stage, on some of the idle GPUs.
  void decide() {
    UnderWay run;
    run.tasks.push_back(take_any(waiting_));
    const Waiting first = run.tasks[0];
    if (first.stage == 0 && one_in(10))
      return script_.end_request(first.request, RequestOutcome::End::kRejected);
    if (!waiting_.empty() && waiting_.back().stage == first.stage && one_in(2)) {
      run.tasks.push_back(waiting_.back());
      waiting_.pop_back();
    }
    const int size = up_to(std::min<std::size_t>(idle_.size(), 4));
    for (int i = 0; i < size; ++i) run.group.push_back(take_any(idle_));
    const int most = std::min(first.steps_left, run.tasks.back().steps_left);
    run.failed = one_in(20);
    run.steps = first.stage == 1 ? up_to(static_cast<std::size_t>(most)) : 1;
    if (run.failed) run.steps = 0;
    run.parts = {part(), part(), part(), part()};
    run.ends = script_.now + std::chrono::microseconds(run.parts.dispatch + run.parts.setup +
                                                       run.parts.migrate + run.parts.compute);
    std::vector<RequestId> requests;
    for (const Waiting& task : run.tasks) requests.push_back(task.request);
    const Layout layout{.ulysses = static_cast<std::uint8_t>(size)};
    run.run = script_.launch(requests, first.stage, run.group, layout);
    if (one_in(5)) script_.preempt(run.run);
    runs_.push_back(run);
  }

  void end_run() {
    const auto next = next_run();
    const UnderWay run = *next;
    runs_.erase(next);
    script_.end(run.run, run.steps, run.parts, one_in(4), run.failed);
    idle_.insert(idle_.end(), run.group.begin(), run.group.end());
    for (const Waiting& task : run.tasks) go_on(task, run.steps);
  }

  void go_on(Waiting task, int steps) {
    if (task.stage == 1) task.steps_left -= steps;
    const bool stage_done = task.stage == 1 ? task.steps_left == 0 : steps > 0;
    if (stage_done && task.stage == 2) return script_.end_request(task.request);
    if (stage_done) ++task.stage;
    waiting_.push_back(task);
  }

  Script& script_;
  RandomStream random_;
  int to_come_;
  std::vector<Waiting> waiting_;
  std::vector<UnderWay> runs_;
  std::vector<GpuId> idle_;
};

}  // namespace

void play_random(Script& script, std::uint64_t seed, int requests) {
  RandomScript(script, seed, requests).play();
}

}  // namespace regroup::script
