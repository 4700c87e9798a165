#include "core/conservation.hpp"

#include <gtest/gtest.h>

#include "core/errors.hpp"
#include "tests/core/observer_script.hpp"

namespace regroup {
namespace {

using script::Script;
using script::us;

TEST(Conservation, AcceptsTheStory) {
  Script script;
  Conservation conservation(4);
  script.observers = {&conservation};
  EXPECT_NO_THROW(script::play_story(script));
}

TEST(Conservation, AcceptsRandomValidRuns) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Script script;
    Conservation conservation(4);
    script.observers = {&conservation};
    EXPECT_NO_THROW(script::play_random(script, seed, 50)) << seed;
    EXPECT_EQ(script.live_runs(), 0u);
  }
}

// Every event is written down here by hand, so that each rule can be broken alone: two requests
// of four steps on four GPUs.
class BrokenRule : public ::testing::Test {
 protected:
  BrokenRule() : conservation(4) {
    first.steps = second.steps = 4;
    second.id = {1};
    task.request = {0};
    task.kind = StageKind::kDenoise;
    task.denoise_steps = 4;
  }

  void arrive(TimePoint at, const Request& request) { conservation.on_arrival(at, request); }
  void launch(TimePoint at, RunId run, const Group& group) {
    const Task* const tasks[] = {&task};
    conservation.on_launch(at, {.run = run, .tasks = tasks, .group = group});
  }
  // Launched at 10 us on GPUs 0 and 1, ended at 30 us after all four steps.
  RunRecord record() const {
    return {.run = {0},
            .tasks = tasks_,
            .group = pair,
            .steps = 4,
            .launched = us(10),
            .ended = us(30),
            .times = {.dispatch = us(5) - us(0), .compute = us(15) - us(0)}};
  }
  void run_first() {
    arrive(us(0), first);
    launch(us(10), {0}, {{0}, {1}});
    conservation.on_run_end(record());
  }
  void end(TimePoint at, const Request& request, double gpu_seconds,
           RequestOutcome::End how = RequestOutcome::End::kFinished) {
    conservation.on_request_end(
        {.request = &request, .end = how, .ended = at, .gpu_seconds = gpu_seconds});
  }

  // What is said when `act` breaks a rule.
  template <class Act>
  std::string said(Act act) {
    try {
      act();
    } catch (const InternalError& error) {
      return error.what();
    }
    return "nothing";
  }

  Conservation conservation;
  Request first, second;
  Task task;
  const Group pair{{0}, {1}};

 private:
  const Task* tasks_[1] = {&task};
};

TEST_F(BrokenRule, NoneIfAllIsWell) {
  run_first();
  end(us(30), first, 40e-6);
  conservation.on_end(us(40));
}

TEST_F(BrokenRule, TimeGoesBack) {
  const std::string text = "conservation, at 0.000020000 s: time went back to 0.000019000 s";
  arrive(us(20), first);
  EXPECT_EQ(said([&] { arrive(us(19), second); }), text);
  EXPECT_EQ(said([&] { launch(us(19), {0}, {{0}}); }), text);
  EXPECT_EQ(said([&] { conservation.on_preempt(us(19), {0}, {}); }), text);
  EXPECT_EQ(said([&] { end(us(19), first, 0); }), text);
  EXPECT_EQ(said([&] { conservation.on_instant(us(19), 0, 0); }), text);
  EXPECT_EQ(said([&] { conservation.on_end(us(19)); }), text);
}

TEST_F(BrokenRule, GpuRunsTwoRunsAtOnce) {
  arrive(us(0), first);
  launch(us(10), {0}, {{0}, {1}});
  EXPECT_EQ(said([&] {
              launch(us(20), {1}, {{2}, {1}});
            }),
            "conservation, at 0.000020000 s: GPU 1 is given to run 1 while it runs run 0");
}

TEST_F(BrokenRule, GpuIsTwiceInAGroup) {
  arrive(us(0), first);
  EXPECT_EQ(said([&] {
              launch(us(10), {0}, {{3}, {3}});
            }),
            "conservation, at 0.000010000 s: GPU 3 is given to run 0 while it runs run 0");
}

TEST_F(BrokenRule, GpuDoesNotExist) {
  arrive(us(0), first);
  EXPECT_EQ(said([&] { launch(us(10), {0}, {{4}}); }),
            "conservation, at 0.000010000 s: run 0 uses GPU 4 of 4");
}

TEST_F(BrokenRule, RunIsLaunchedTwice) {
  arrive(us(0), first);
  launch(us(10), {0}, {{0}});
  EXPECT_EQ(said([&] { launch(us(10), {0}, {{1}}); }),
            "conservation, at 0.000010000 s: run 0 is launched twice");
}

TEST_F(BrokenRule, RunEndsThatDoesNotRun) {
  run_first();
  EXPECT_EQ(said([&] { conservation.on_run_end(record()); }),
            "conservation, at 0.000030000 s: run 0 ends but does not run");
}

TEST_F(BrokenRule, RunEndsOnAnotherGroup) {
  arrive(us(0), first);
  launch(us(10), {0}, {{0}, {2}});
  EXPECT_EQ(said([&] { conservation.on_run_end(record()); }),
            "conservation, at 0.000030000 s: run 0 does not end as it was launched (time, group "
            "or batch differ)");
}

TEST_F(BrokenRule, RunTimesDoNotAddUp) {
  arrive(us(0), first);
  launch(us(10), {0}, {{0}, {1}});
  RunRecord run = record();
  run.times.migrate = Duration(1);
  EXPECT_EQ(said([&] { conservation.on_run_end(run); }),
            "conservation, at 0.000030000 s: the parts of run 0 add up to 20001 ns, but it took "
            "20000 ns");
}

TEST_F(BrokenRule, RunTimeIsNegative) {
  arrive(us(0), first);
  launch(us(10), {0}, {{0}, {1}});
  RunRecord run = record();
  run.times.setup = Duration(-1);
  run.times.compute += Duration(1);
  EXPECT_EQ(said([&] { conservation.on_run_end(run); }),
            "conservation, at 0.000030000 s: run 0 has a part of -1 ns");
}

TEST_F(BrokenRule, RequestArrivesTwice) {
  arrive(us(0), first);
  EXPECT_EQ(said([&] { arrive(us(1), first); }),
            "conservation, at 0.000001000 s: request 0 arrives after request 0");
}

TEST_F(BrokenRule, RequestEndsTwice) {
  run_first();
  end(us(30), first, 40e-6);
  EXPECT_EQ(said([&] { end(us(30), first, 0); }),
            "conservation, at 0.000030000 s: request 0 ends but has ended");
}

TEST_F(BrokenRule, RequestEndsThatDidNotArrive) {
  EXPECT_EQ(said([&] { end(us(30), second, 0); }),
            "conservation, at 0.000030000 s: request 1 ends but never arrived");
}

TEST_F(BrokenRule, RequestIsLaunchedThatDidNotArrive) {
  EXPECT_EQ(said([&] { launch(us(10), {0}, {{0}}); }),
            "conservation, at 0.000010000 s: request 0 is launched but never arrived");
}

TEST_F(BrokenRule, RequestEndsWhileItRuns) {
  arrive(us(0), first);
  launch(us(10), {0}, {{0}, {1}});
  EXPECT_EQ(said([&] { end(us(30), first, 0, RequestOutcome::End::kRejected); }),
            "conservation, at 0.000030000 s: request 0 ends while 1 of its tasks run");
}

TEST_F(BrokenRule, RunEndsWithAnotherRequest) {
  arrive(us(0), first);
  arrive(us(0), second);
  launch(us(10), {0}, {{0}, {1}});
  task.request = {1};
  EXPECT_EQ(said([&] { conservation.on_run_end(record()); }),
            "conservation, at 0.000030000 s: run 0 ends with request 1, which it did not run");
}

TEST_F(BrokenRule, RequestFinishesWithStepsLeft) {
  arrive(us(0), first);
  launch(us(10), {0}, {{0}, {1}});
  RunRecord run = record();
  run.steps = 3;
  conservation.on_run_end(run);
  EXPECT_EQ(said([&] { end(us(30), first, 40e-6); }),
            "conservation, at 0.000030000 s: request 0 finishes with 3 of its 4 steps done");
}

TEST_F(BrokenRule, RequestDoesMoreStepsThanItHas) {
  arrive(us(0), first);
  launch(us(10), {0}, {{0}, {1}});
  RunRecord run = record();
  run.steps = 5;
  EXPECT_EQ(said([&] { conservation.on_run_end(run); }),
            "conservation, at 0.000030000 s: request 0 has done 5 of its 4 steps after run 0 of 5");
}

TEST_F(BrokenRule, RunIsLeftRunning) {
  arrive(us(0), first);
  launch(us(10), {0}, {{0}, {1}});
  EXPECT_EQ(said([&] { conservation.on_end(us(40)); }),
            "conservation, at 0.000040000 s: run 0 is left running (1 in all)");
}

TEST_F(BrokenRule, RequestNeverEnds) {
  run_first();
  arrive(us(30), second);
  EXPECT_EQ(said([&] { conservation.on_end(us(40)); }),
            "conservation, at 0.000040000 s: request 0 arrived but never ended (2 in all)");
}

TEST_F(BrokenRule, GpuTimeIsNotCharged) {
  run_first();
  end(us(30), first, 39e-6);
  EXPECT_EQ(said([&] { conservation.on_end(us(40)); }),
            "conservation, at 0.000040000 s: the GPUs were busy for 4e-05 GPU seconds, but "
            "requests are charged 3.9e-05");
}

}  // namespace
}  // namespace regroup
