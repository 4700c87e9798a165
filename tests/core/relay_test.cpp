// Calls on their way to another thread. Also run with -fsanitize=thread.
#include "core/relay.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>

#include "core/errors.hpp"
#include "core/journal.hpp"
#include "core/random.hpp"
#include "core/request_log.hpp"
#include "core/results.hpp"
#include "core/task_log.hpp"
#include "core/timeline.hpp"
#include "tests/core/observer_script.hpp"

namespace regroup {
namespace {

using script::Script;
using script::TempDir;
using script::us;

// Enough for many blocks.
constexpr int kRequests = 3000;

TEST(Relay, FilesAreThoseOfTheLoopsThread) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const TempDir direct, relayed;
    {
      Script script;
      RequestLog requests(direct.path(), script.catalog, script.classes);
      TaskLog tasks(direct.path(), script.catalog);
      TimelineLog timeline(direct.path(), script.catalog, script.classes);
      OutputFile journal_file(direct.path(), "journal");
      JournalWriter journal([&](std::string_view entry) { journal_file.write(entry); });
      script.observers = {&requests, &tasks, &timeline, &journal};
      script::play_random(script, seed, kRequests);
      requests.commit();
      tasks.commit();
      timeline.commit();
      journal_file.commit();
    }
    {
      Script script;
      Metrics metrics(script.catalog.gpus().size(), script.classes);
      Results results(relayed.path(), script.catalog, script.classes,
                      {.tasks = true, .timeline = true, .journal = true});
      script.observers = {&metrics, &results.observer()};
      script::play_random(script, seed, kRequests);
      results.commit(metrics.summary(), {}, {});
    }
    for (const char* name : {"requests.csv", "tasks.csv", "timeline.pftrace", "journal"}) {
      EXPECT_GT(direct.read(name).size(), 100'000u) << name;
      EXPECT_TRUE(direct.read(name) == relayed.read(name)) << name << ", seed " << seed;
    }
  }
}

TEST(Relay, JournalIsThatOfTheLoopsThread) {
  const auto tell = [](Observer& observer) {
    const Request request{.id = {7}, .label = "x"}, rejected{.id = {9}, .label = "y"};
    observer.on_arrival(us(0), request);
    Task one{.id = {3}, .request = {7}}, other{.id = {5}, .request = {7}, .slot = 4};
    const Task* const tasks[] = {&one, &other};
    for (std::int64_t i = 0; i < 20'000; ++i) {
      const RunId run{static_cast<std::uint64_t>(i)};
      one.id.value += i % 3 == 0;  // another task in the same slot
      const Group group{{0}, {9}};
      observer.on_arrival(us(i), rejected);
      observer.on_launch(us(i), {.run = run, .tasks = tasks, .group = group, .steps = 4});
      observer.on_preempt(us(i), run, tasks);
      observer.on_gpu_failed(us(i), {3});
      observer.on_run_end({.run = run,
                           .tasks = tasks,
                           .group = group,
                           .steps = i % 2 == 0 ? 4 : 0,
                           .ended = us(i),
                           .times = {.dispatch = Duration(1), .compute = Duration(2)},
                           .failed = i % 2 == 1});
      observer.on_gpu_repaired(us(i), {3});
      observer.on_request_end(
          {.request = &rejected, .end = RequestOutcome::End::kRejected, .ended = us(i)});
      observer.on_wake(us(i), us(i + 1));
    }
  };
  std::string direct, relayed;
  JournalWriter first([&](std::string_view entry) { direct += entry; });
  tell(first);

  JournalWriter second([&](std::string_view entry) { relayed += entry; });
  NameTable<ClassId> classes, theirs;
  Relay relay(classes, theirs, second);
  tell(relay);
  relay.finish();
  EXPECT_TRUE(direct == relayed);
}

// Says all that it is told of runs and instants.
struct SaysAll final : Observer {
  void on_launch(TimePoint at, const Launch& l) override {
    say("launch", at, l.run, l.tasks, l.group);
    text += fmt::format(" {} x{} step {} expected {}\n", shown(l.layout), l.steps, l.step.count(),
                        shown(l.expected));
  }
  void on_preempt(TimePoint at, RunId run, std::span<const Task* const> tasks) override {
    say("preempt", at, run, tasks, {});
  }
  void on_run_end(const RunRecord& r) override {
    say("end", r.ended, r.run, r.tasks, r.group);
    text += fmt::format(" {} x{} since {} took {} expected {} setup {} failed {}\n",
                        shown(r.layout), r.steps, r.launched.time_since_epoch().count(),
                        shown(r.times), r.expected.count(), r.setup_needed, r.failed);
  }
  void on_instant(TimePoint at, std::size_t ready, int idle) override {
    text += fmt::format("instant {}: {} {}\n", at.time_since_epoch().count(), ready, idle);
  }

  static std::string shown(Layout l) {
    return fmt::format("{}.{}.{}.{}", l.cfg, l.ulysses, l.ring, l.tp);
  }
  static std::string shown(const RunTimes& t) {
    return fmt::format("{}+{}+{}+{}", t.dispatch.count(), t.setup.count(), t.migrate.count(),
                       t.compute.count());
  }
  void say(const char* what, TimePoint at, RunId run, std::span<const Task* const> tasks,
           const Group& group) {
    text += fmt::format("{} {}: run {} tasks", what, at.time_since_epoch().count(), run.value);
    for (const Task* task : tasks)
      text += fmt::format(" {}@{}s{}", task->id.value, task->slot, task->stage);
    text += " on";
    for (const GpuId gpu : group) text += fmt::format(" {}", gpu.value);
  }
  std::string text;
};

// Mostly as the call before in the same slot, so that little is said, and now and then not.
void tell_random_runs(Observer& observer, std::uint64_t seed) {
  RandomStream random(seed, "relay");
  const auto often = [&] { return random.below(8) != 0; };
  const Request request{.id = {1}, .label = "x"};
  observer.on_arrival(us(0), request);
  std::array<Task, 6> tasks;
  std::uint64_t next_task = 0, next_run = 0;
  for (std::uint32_t slot = 0; slot < tasks.size(); ++slot)
    tasks[slot] = {.id = {next_task++}, .request = {1}, .slot = slot};
  Group group{{0}};
  RunTimes expected{.dispatch = Duration(5), .compute = Duration(900)};
  Duration step(300);
  int steps = 3, idle = 7;
  std::size_t ready = 2;
  TimePoint now = us(1);
  for (int call = 0; call < 5'000; ++call) {
    Task& first = tasks[random.below(tasks.size())];
    if (!often()) {  // another one in the same slot
      first.id = {next_task++};
      first.stage = static_cast<std::uint8_t>(random.below(3));
    }
    if (!often()) group = {{static_cast<std::uint32_t>(random.below(8))}, {9}};
    if (!often()) expected.migrate = Duration(random.below(3));
    if (!often()) expected.compute = (steps = 1 + static_cast<int>(random.below(9))) * step;
    if (!often()) ++next_run;
    if (!often()) now += Duration(random.below(100));
    std::vector<const Task*> batch{&first};
    if (!often()) batch.push_back(&tasks[(first.slot + 1) % tasks.size()]);
    const Layout layout{.ulysses = static_cast<std::uint8_t>(group.size())};
    const RunId run{next_run++};
    const TimePoint launched = now;
    observer.on_launch(now, {run, 0, batch, group, layout, steps, expected, step});
    observer.on_instant(now, ready, idle);
    if (!often()) observer.on_preempt(now, run, batch);
    const bool as_expected = often();
    RunTimes times = expected;
    if (!as_expected) times.compute += Duration(random.below(50));
    const int done = as_expected ? steps : steps - 1;
    now = launched + times.total();
    observer.on_run_end({.run = run,
                         .tasks = batch,
                         .group = group,
                         .layout = layout,
                         .steps = done,
                         .launched = launched,
                         .ended = now,
                         .times = times,
                         .expected = expected.total() - (steps - done) * step,
                         .setup_needed = !often(),
                         .failed = !often()});
    if (!often()) ready = random.below(5);
    if (!often()) idle = static_cast<int>(random.below(5));
    observer.on_instant(now, ready, idle);
  }
  observer.on_end(now);
}

TEST(Relay, SaysAllThatItWasTold) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    SaysAll direct, relayed;
    tell_random_runs(direct, seed);
    NameTable<ClassId> classes, theirs;
    Relay relay(classes, theirs, relayed);
    tell_random_runs(relay, seed);
    relay.finish();
    EXPECT_GT(direct.text.size(), 500'000u);
    EXPECT_TRUE(direct.text == relayed.text) << "seed " << seed;
  }
}

TEST(Relay, TellsClassesBeforeTheirRequests) {
  struct TellsNames final : Observer {
    explicit TellsNames(const NameTable<ClassId>& known) : classes(known) {}
    void on_arrival(TimePoint, const Request& request) override {
      seen.push_back(request.label + " " + classes.name(request.request_class));
    }
    const NameTable<ClassId>& classes;
    std::vector<std::string> seen;
  };
  NameTable<ClassId> classes, theirs;
  classes.intern("early");
  TellsNames names(theirs);
  Relay relay(classes, theirs, names);
  relay.on_arrival(us(0), {.id = {0}, .label = "a", .request_class = classes.intern("late")});
  relay.on_arrival(us(0), {.id = {1}, .label = "b", .request_class = classes.intern("early")});
  relay.finish();
  EXPECT_EQ(names.seen, (std::vector<std::string>{"a late", "b early"}));
}

// Throws at the n-th instant.
struct Refuses final : Observer {
  explicit Refuses(int at) : left(at) {}
  void on_instant(TimePoint, std::size_t, int) override {
    if (--left == 0) fail<SystemError>("the disk is full");
  }
  int left;
};

TEST(Relay, PassesErrorsOnToALaterCall) {
  NameTable<ClassId> classes, theirs;
  Refuses refuses(10);
  Relay relay(classes, theirs, refuses);
  // Without an end: it must come through although nobody takes blocks any more.
  const auto tell_for_ever = [&] {
    while (true) relay.on_instant({}, 1, 1);
  };
  EXPECT_THROW(tell_for_ever(), SystemError);
}

TEST(Relay, PassesErrorsOnToFinish) {
  NameTable<ClassId> classes, theirs;
  Refuses refuses(10);
  Relay relay(classes, theirs, refuses);
  for (int i = 0; i < 10; ++i) relay.on_instant({}, 1, 1);
  try {
    relay.finish();
    FAIL() << "finish() returned";
  } catch (const SystemError& error) {
    EXPECT_STREQ(error.what(), "the disk is full");
  }
}

TEST(Relay, GoesAwayWithoutFinish) {
  NameTable<ClassId> classes, theirs;
  Refuses refuses(-1);
  Relay relay(classes, theirs, refuses);
  for (int i = 0; i < 100'000; ++i) relay.on_instant({}, 1, 1);
}

// The last instant is told only after all before it: nothing is lost while the loop waits.
TEST(Relay, LosesNothingToASlowTarget) {
  struct Counts final : Observer {
    void on_instant(TimePoint at, std::size_t ready, int idle) override {
      if (calls == 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
      in_order = in_order && at == us(calls) && ready == 1 && idle == 2;
      ++calls;
    }
    std::int64_t calls = 0;
    bool in_order = true;
  };
  NameTable<ClassId> classes, theirs;
  Counts counts;
  Relay relay(classes, theirs, counts);
  for (std::int64_t i = 0; i < 200'000; ++i) relay.on_instant(us(i), 1, 2);
  relay.finish();
  EXPECT_EQ(counts.calls, 200'000);
  EXPECT_TRUE(counts.in_order);
}

}  // namespace
}  // namespace regroup
