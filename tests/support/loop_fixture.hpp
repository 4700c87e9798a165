// Runs a policy written as a lambda over a list of requests.
#pragma once

#include <functional>
#include <sstream>

#include "core/conservation.hpp"
#include "core/control_loop.hpp"
#include "sim/sim_backend.hpp"
#include "tests/support/journal_text.hpp"
#include "tests/support/test_catalog.hpp"

namespace regroup::testing {

using Decide = std::function<void(const ClusterView&, Decisions&)>;

// A policy whose table is fixed and whose behaviour is the lambda set before it is made.
class LambdaPolicy final : public Policy {
 public:
  explicit LambdaPolicy(const Params&) {}
  void decide(const ClusterView& view, Decisions& out) override { current(view, out); }
  static inline Decide current;
};
inline constexpr PolicyPlugin kLambdaPlugin = make_plugin<LambdaPolicy>("lambda", "for tests");

class ListSource final : public RequestSource {
 public:
  explicit ListSource(std::vector<Request> requests) : requests_(std::move(requests)) {}
  bool next(Request& request) override {
    if (next_ == requests_.size()) return false;
    request = requests_[next_];
    request.id = {next_++};
    return true;
  }

 private:
  std::vector<Request> requests_;
  std::size_t next_ = 0;
};

// A request of model "m": `width` sets the step time (see TestCatalog).
inline Request request(TestCatalog& catalog, double arrival_s, int width = 100, int steps = 4,
                       double deadline_s = -1) {
  Request r;
  r.label = fmt::format("r{:f}", arrival_s);
  r.arrival = TimePoint(from_seconds(arrival_s));
  r.shape = {width, width, 1};
  r.shape_id = catalog.intern({}, r.shape, 1);
  r.steps = steps;
  if (deadline_s >= 0) r.deadline = TimePoint(from_seconds(deadline_s));
  return r;
}

// Remembers what happened as lines of text, times in milliseconds.
class Diary final : public Observer {
 public:
  std::vector<std::string> lines;
  struct Ended : RequestOutcome {  // the request itself is gone
    bool late = false;
  };
  std::vector<Ended> outcomes;
  std::vector<double> finished_ms;  // by end order

  void on_launch(TimePoint t, const Launch& l) override {
    std::string gpus;
    for (const GpuId g : l.group) gpus += fmt::format(" {}", g.value);
    lines.push_back(fmt::format("{} launch run {} stage {} on{} x{}", ms(t), l.run.value,
                                l.tasks[0]->stage, gpus, l.steps));
  }
  void on_preempt(TimePoint t, RunId run, std::span<const Task* const>) override {
    lines.push_back(fmt::format("{} preempt run {}", ms(t), run.value));
  }
  void on_run_end(const RunRecord& r) override {
    lines.push_back(fmt::format("{} {} run {} x{}", ms(r.ended), r.failed ? "failed" : "ended",
                                r.run.value, r.steps));
  }
  void on_request_end(const RequestOutcome& o) override {
    static constexpr const char* kEnds[] = {"finished", "rejected", "unfinished"};
    lines.push_back(fmt::format("{} request {} {}", ms(o.ended), o.request->id.value,
                                kEnds[static_cast<std::size_t>(o.end)]));
    outcomes.push_back({o, o.violated()});
    outcomes.back().request = nullptr;
    finished_ms.push_back(ms(o.ended));
  }

 private:
  static double ms(TimePoint t) { return static_cast<double>(t.time_since_epoch().count()) / 1e6; }
};

struct RunOutput {
  Diary diary;
  std::string journal;    // as text
  std::string recording;  // the bytes of the file
};

inline RunOutput run_on(Backend& backend, TestCatalog& catalog, std::vector<Request> requests,
                        PolicyHandle& policy) {
  RunOutput output;
  NameTable<ClassId> classes;
  classes.intern("");
  ListSource source(std::move(requests));
  Conservation conservation(catalog.gpus().size());
  JournalWriter journal([&](std::string_view entry) { output.recording += entry; });
  ControlLoop({.backend = backend,
               .policy = policy,
               .catalog = catalog,
               .requests = source,
               .classes = classes,
               .observers = {&journal, &output.diary, &conservation}})
      .run();
  output.journal = journal_text(output.recording);
  return output;
}

// In simulation.
inline RunOutput run(TestCatalog& catalog, std::vector<Request> requests, Decide decide,
                     sim::SimOptions options = {}) {
  LambdaPolicy::current = std::move(decide);
  PolicyHandle policy(kLambdaPlugin, {});
  sim::SimBackend backend(catalog, std::move(options));
  return run_on(backend, catalog, std::move(requests), policy);
}

// First come, first served on whatever one node has idle, at most `degree` GPUs.
inline Decide first_fit(int degree) {
  return [degree](const ClusterView& view, Decisions& out) {
    for (const Task* task : view.ready()) {
      const Layout layout = task->widest(degree);
      const Group group = out.idle().pick(layout.size(), task->group);
      if (group.empty()) return;
      out.place(*task, group, layout);
    }
  };
}

}  // namespace regroup::testing
