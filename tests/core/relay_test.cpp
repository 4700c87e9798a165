// Calls on their way to another thread. Also run with -fsanitize=thread.
#include "core/relay.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/errors.hpp"
#include "core/journal.hpp"
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
