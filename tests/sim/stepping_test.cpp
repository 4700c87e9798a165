// A placement that runs until told otherwise and one that is renewed at every step are the same
// schedule: it only costs fewer events.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/random.hpp"
#include "tests/support/loop_fixture.hpp"

namespace regroup::testing {
namespace {

// First come, first served on groups of 1, 2 or 4; a request that is urgent stops the one that came
// last, if that is wide enough, at its next step. With `stepping` every step is a placement.
class Scheduler {
 public:
  explicit Scheduler(bool stepping) : stepping_(stepping) {}

  void operator()(const ClusterView& view, Decisions& out) {
    ++calls;
    for (const Change& change : view.changes())
      if (change.kind == Change::Kind::kTaskReady) settle(view, *change.task, out);
    for (const Task* task : view.ready())
      if (!placed_.contains(task->id)) start(*task, out);
    for (const Task* task : view.ready())
      if (!placed_.contains(task->id) && task->priority > 0) stop_latest(view, *task, out);
    placed_.clear();
  }

  std::uint64_t calls = 0;

 private:
  // Goes on where it was, unless it was told to stop.
  void settle(const ClusterView&, const Task& task, Decisions& out) {
    if (!stepping_ || task.steps_done == 0 || stopping_.erase(task.id) > 0) return;
    place(task, task.group, task.layout, out);
  }

  void start(const Task& task, Decisions& out) {
    const Layout layout = task.widest(1 << task.request.value % 3);
    const Group group = out.idle().pick(layout.size());
    if (!group.empty()) place(task, group, layout, out);
  }

  void place(const Task& task, const Group& group, Layout layout, Decisions& out) {
    out.place(task, group, layout, stepping_ ? 1 : kUntilToldOtherwise);
    placed_.insert(task.id);
  }

  void stop_latest(const ClusterView& view, const Task& urgent, Decisions& out) {
    const Task* latest = nullptr;
    for (const Task* task : view.running())
      if (task->priority == 0 && task->kind == StageKind::kDenoise &&
          view.progress(*task).steps_done + 1 < task->steps_total)
        latest = task;
    if (latest == nullptr || !served_.insert(urgent.request).second) return;
    if (stepping_)
      stopping_.insert(latest->id);
    else
      out.preempt(*latest);
  }

  bool stepping_;
  std::set<TaskId> placed_;    // in this call
  std::set<TaskId> stopping_;  // stepping: not to be renewed
  std::set<RequestId> served_;
};

// Arrivals at odd nanoseconds, so that no boundary falls on one.
std::vector<Request> workload(TestCatalog& catalog, std::uint64_t seed, int steps) {
  RandomStream random(seed, "stepping");
  std::vector<Request> requests;
  std::int64_t at = 1;
  for (int i = 0; i < 60; ++i) {
    at += 2 * static_cast<std::int64_t>(random.exponential(1) * 5e7);
    Request r = request(catalog, 0, 20 + static_cast<int>(random.uniform() * 80),
                        1 + static_cast<int>(random.uniform() * steps));
    r.arrival = TimePoint(Duration(at));
    r.priority = random.uniform() < 0.2 ? 1 : 0;
    requests.push_back(r);
  }
  return requests;
}

struct Watched {
  Diary diary;
  std::map<std::uint64_t, std::vector<std::int64_t>> ends;  // by request: end, busy, first launch
  std::uint64_t calls = 0;
};

class Ends final : public Observer {
 public:
  explicit Ends(Watched& watched) : watched_(watched) {}
  void on_request_end(const RequestOutcome& o) override {
    watched_.ends[o.request->id.value] = {o.ended.time_since_epoch().count(), o.busy.count(),
                                          o.started.time_since_epoch().count()};
  }

 private:
  Watched& watched_;
};

Watched simulate(std::uint64_t seed, int steps, bool stepping, double jitter) {
  TestCatalog catalog({4, 8});
  Watched watched;
  Ends ends(watched);
  Conservation conservation(catalog.gpus().size());
  Scheduler scheduler(stepping);
  LambdaPolicy::current = [&](const ClusterView& view, Decisions& out) { scheduler(view, out); };
  PolicyHandle policy(kLambdaPlugin, {});
  sim::SimBackend backend(catalog, {.jitter = {.spread = jitter, .seed = seed}});
  NameTable<ClassId> classes;
  classes.intern("");
  ListSource source(workload(catalog, seed, steps));
  ControlLoop({.backend = backend,
               .policy = policy,
               .catalog = catalog,
               .requests = source,
               .classes = classes,
               .observers = {&ends, &conservation, &watched.diary}})
      .run();
  watched.calls = scheduler.calls;
  return watched;
}

bool any_preempted(const Diary& diary) {
  return std::ranges::any_of(diary.lines, [](const std::string& line) {
    return line.find("preempt") != std::string::npos;
  });
}

TEST(Stepping, GivesTheSameScheduleAsRunningUntilToldOtherwise) {
  int with_preemption = 0;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    for (const double jitter : {0.0, 0.05}) {
      SCOPED_TRACE(fmt::format("seed {}, jitter {}", seed, jitter));
      const Watched until = simulate(seed, 30, false, jitter);
      const Watched stepping = simulate(seed, 30, true, jitter);
      EXPECT_EQ(until.ends.size(), 60u);
      EXPECT_EQ(until.ends, stepping.ends);
      EXPECT_LT(until.calls * 2, stepping.calls);
      with_preemption += any_preempted(until.diary) ? 1 : 0;
    }
  }
  EXPECT_GT(with_preemption, 10);
}

// Ten times the steps of a tenth of the length: as many decisions.
TEST(Stepping, DecisionsDoNotGrowWithSteps) {
  const auto calls = [](int steps) {
    TestCatalog catalog({8});
    std::uint64_t count = 0;
    std::vector<Request> requests;
    for (int i = 0; i < 40; ++i) requests.push_back(request(catalog, 0.1 * i, 10, steps));
    run(catalog, requests, [&](const ClusterView& view, Decisions& out) {
      ++count;
      first_fit(2)(view, out);
    });
    return count;
  };
  EXPECT_EQ(calls(10), calls(10'000));
}

}  // namespace
}  // namespace regroup::testing
