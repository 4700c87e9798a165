// Calls on their way to another thread. Also run with -fsanitize=thread.
#include "core/relay.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/errors.hpp"
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
      script.observers = {&requests, &tasks, &timeline};
      script::play_random(script, seed, kRequests);
      requests.commit();
      tasks.commit();
      timeline.commit();
    }
    {
      Script script;
      Metrics metrics(script.catalog.gpus().size(), script.classes);
      Results results(relayed.path(), script.catalog, script.classes,
                      {.tasks = true, .timeline = true});
      script.observers = {&metrics, &results.observer()};
      script::play_random(script, seed, kRequests);
      results.commit(metrics.summary(), {}, {});
    }
    for (const char* name : {"requests.csv", "tasks.csv", "timeline.pftrace"}) {
      EXPECT_GT(direct.read(name).size(), 100'000u) << name;
      EXPECT_TRUE(direct.read(name) == relayed.read(name)) << name << ", seed " << seed;
    }
  }
}

TEST(Relay, JournalIsThatOfTheLoopsThread) {
  const auto tell = [](Journal& journal) {
    const Request request{.id = {7}, .label = "x"};
    const Task one{.id = {3}, .request = {7}}, other{.id = {5}, .request = {7}};
    const Task* const tasks[] = {&one, &other};
    for (std::int64_t i = 0; i < 20'000; ++i) {
      journal.place(us(i), {.run = {1}, .tasks = tasks, .group = {{0}, {9}}, .steps = 4});
      journal.event({.kind = Event::Kind::kRunEnded,
                     .at = us(i),
                     .run = {1},
                     .steps = 4,
                     .times = {.dispatch = Duration(1), .compute = Duration(2)}});
      journal.event({.kind = Event::Kind::kGpuFailed, .at = us(i), .gpu = {3}});
      journal.preempt(us(i), {8});
      journal.reject(us(i), {9});
      journal.wake(us(i), us(i + 1));
    }
  };
  std::string direct, relayed;
  JournalWriter first([&](std::string_view line) { direct += line; });
  tell(first);

  JournalWriter second([&](std::string_view line) { relayed += line; });
  NameTable<ClassId> classes, theirs;
  Observer nobody;
  Relay relay(classes, theirs, nobody, &second);
  relay.on_arrival(us(0), {.id = {7}, .label = "x"});
  tell(relay);
  relay.finish();
  EXPECT_TRUE(direct == relayed);
}

TEST(Relay, TellsClassesBeforeTheirRequests) {
  struct Names final : Observer {
    explicit Names(const NameTable<ClassId>& known) : classes(known) {}
    void on_arrival(TimePoint, const Request& request) override {
      seen.push_back(request.label + " " + classes.name(request.request_class));
    }
    const NameTable<ClassId>& classes;
    std::vector<std::string> seen;
  };
  NameTable<ClassId> classes, theirs;
  classes.intern("early");
  Names names(theirs);
  Relay relay(classes, theirs, names, nullptr);
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
  Relay relay(classes, theirs, refuses, nullptr);
  // Without an end: it must come through although nobody takes blocks any more.
  const auto tell_for_ever = [&] {
    while (true) relay.on_instant({}, 1, 1);
  };
  EXPECT_THROW(tell_for_ever(), SystemError);
}

TEST(Relay, PassesErrorsOnToFinish) {
  NameTable<ClassId> classes, theirs;
  Refuses refuses(10);
  Relay relay(classes, theirs, refuses, nullptr);
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
  Relay relay(classes, theirs, refuses, nullptr);
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
  Relay relay(classes, theirs, counts, nullptr);
  for (std::int64_t i = 0; i < 200'000; ++i) relay.on_instant(us(i), 1, 2);
  relay.finish();
  EXPECT_EQ(counts.calls, 200'000);
  EXPECT_TRUE(counts.in_order);
}

}  // namespace
}  // namespace regroup
