#include "core/control_loop.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "core/errors.hpp"
#include "tests/support/loop_fixture.hpp"

namespace regroup {
namespace {

using namespace std::chrono_literals;
using testing::first_fit;
using testing::request;
using testing::run;
using testing::TestCatalog;

// Runs and returns the PolicyError's text.
std::string policy_error(TestCatalog& catalog, std::vector<Request> requests,
                         testing::Decide decide) {
  try {
    run(catalog, std::move(requests), std::move(decide));
  } catch (const PolicyError& error) {
    return error.what();
  }
  return "no PolicyError";
}

TEST(ControlLoop, WalksARequestThroughItsStages) {
  TestCatalog catalog({2});
  const auto out = run(catalog, {request(catalog, 1.0, 100, 4)}, first_fit(2));
  EXPECT_EQ(out.diary.lines, (std::vector<std::string>{
                                 "1000 launch run 0 stage 0 on 0 x1",
                                 "1010 ended run 0 x1",
                                 "1010 launch run 1 stage 1 on 0 1 x4",
                                 "1210 ended run 1 x4",
                                 "1210 launch run 2 stage 2 on 0 x1",
                                 "1230 ended run 2 x1",
                                 "1230 request 0 finished",
                             }));
}

TEST(ControlLoop, FinishesComeBeforeArrivalsOfTheSameInstant) {
  TestCatalog catalog({1});
  // The first request ends at 0.430 s, exactly when the second arrives: its GPU is idle for it.
  const auto out = run(catalog, {request(catalog, 0), request(catalog, 0.430)}, first_fit(1));
  EXPECT_EQ(out.diary.finished_ms, (std::vector<double>{430, 860}));
}

TEST(ControlLoop, AsksOncePerInstant) {
  TestCatalog catalog({8});
  int calls = 0;
  std::vector<Request> requests;
  for (int i = 0; i < 5; ++i) requests.push_back(request(catalog, 0));
  run(catalog, requests, [&](const ClusterView& view, Decisions& out) {
    if (view.now() == TimePoint{}) ++calls;
    first_fit(1)(view, out);
  });
  EXPECT_EQ(calls, 1);
}

TEST(ControlLoop, PreemptTakesEffectAtTheNextStepBoundary) {
  TestCatalog catalog({1});
  // Step boundaries of the first request: 110, 210, 310, 410 ms. The second arrives at 250 ms and
  // is preferred; the first goes on afterwards where it was.
  const auto out = run(catalog, {request(catalog, 0), request(catalog, 0.250, 10, 1)},
                       [](const ClusterView& view, Decisions& d) {
                         for (const Task* task : view.running())
                           if (task->request.value == 0 && view.ready().size() > 0)
                             d.preempt(*task);
                         const Task* last = nullptr;
                         for (const Task* task : view.ready()) last = task;
                         if (last != nullptr && d.idle().count() > 0)
                           d.place(*last, d.idle().pick(1), {});
                       });
  const std::vector<std::string> middle(out.diary.lines.begin() + 3, out.diary.lines.begin() + 6);
  EXPECT_EQ(middle, (std::vector<std::string>{"250 preempt run 1", "310 ended run 1 x3",
                                              "310 launch run 2 stage 0 on 0 x1"}));
  EXPECT_EQ(out.diary.finished_ms, (std::vector<double>{350, 470}));
  EXPECT_EQ(out.diary.outcomes[1].preemptions, 1);
  EXPECT_EQ(out.diary.outcomes[1].runs, 4);
}

TEST(ControlLoop, PreemptAtABoundaryStopsThere) {
  TestCatalog catalog({1});
  const auto out = run(catalog, {request(catalog, 0), request(catalog, 0.210, 10, 1)},
                       [](const ClusterView& view, Decisions& d) {
                         for (const Task* task : view.running())
                           if (!view.ready().empty()) d.preempt(*task);
                         if (d.idle().count() > 0 && !view.ready().empty())
                           d.place(**view.ready().rbegin(), d.idle().pick(1), {});
                       });
  EXPECT_EQ(out.diary.lines[4], "210 ended run 1 x2");
}

TEST(ControlLoop, StepByStepGivesTheSameTimesAsUntilToldOtherwise) {
  TestCatalog catalog({8});
  catalog.dispatch_time = Duration{};
  std::vector<Request> requests;
  for (int i = 0; i < 20; ++i) requests.push_back(request(catalog, 0.1 * i, 50 + i, 7));
  const auto whole = run(catalog, requests, first_fit(2));
  const auto stepped = run(catalog, requests, [](const ClusterView& view, Decisions& out) {
    for (const Task* task : view.ready()) {
      const Layout layout = task->widest(2);
      const Group group = out.idle().pick(layout.size(), task->group);
      if (group.empty()) return;
      out.place(*task, group, layout, 1);
    }
  });
  EXPECT_EQ(whole.diary.finished_ms, stepped.diary.finished_ms);
}

TEST(ControlLoop, BatchAdvancesTogetherAndEndsWithTheShortest) {
  TestCatalog catalog({1});
  const auto out = run(catalog, {request(catalog, 0, 100, 2), request(catalog, 0, 100, 5)},
                       [](const ClusterView& view, Decisions& d) {
                         std::vector<const Task*> batch;
                         for (const Task* task : view.ready())
                           if (batch.empty() || task->stage == batch[0]->stage)
                             batch.push_back(task);
                         if (!batch.empty() && d.idle().count() > 0)
                           d.place_batch(batch, d.idle().pick(1), {}, kUntilToldOtherwise);
                       });
  // Both are encoded in one run of 20 ms; two steps of 200 ms together, then three of 100 ms alone.
  EXPECT_EQ(out.diary.lines[1], "20 ended run 0 x1");
  EXPECT_EQ(out.diary.lines[3], "420 ended run 1 x2");
  EXPECT_EQ(out.diary.finished_ms.back(), 760);
  EXPECT_DOUBLE_EQ(out.diary.outcomes[0].gpu_seconds + out.diary.outcomes[1].gpu_seconds, 0.760);
}

TEST(ControlLoop, RejectEndsTheRequestAndCountsAsAViolation) {
  TestCatalog catalog({1});
  const auto out = run(catalog, {request(catalog, 0), request(catalog, 0.1, 100, 4)},
                       [](const ClusterView& view, Decisions& d) {
                         for (const Task* task : view.ready()) {
                           if (task->request.value == 1)
                             d.reject(*task);
                           else if (d.idle().count() > 0)
                             d.place(*task, d.idle().pick(1), {});
                         }
                       });
  EXPECT_EQ(out.diary.outcomes[0].end, RequestOutcome::End::kRejected);
  EXPECT_TRUE(out.diary.outcomes[0].late);
  EXPECT_FALSE(out.diary.outcomes[1].late);
}

TEST(ControlLoop, WakesAtTheInstantAskedFor) {
  TestCatalog catalog({1});
  const auto out = run(catalog, {request(catalog, 0)}, [](const ClusterView& view, Decisions& d) {
    const TimePoint start(50ms);
    if (view.now() < start) return d.wake_at(start);
    first_fit(1)(view, d);
  });
  EXPECT_EQ(out.diary.lines[0], "50 launch run 0 stage 0 on 0 x1");
}

TEST(ControlLoop, ChangesTellEveryReadyTaskOnce) {
  TestCatalog catalog({2});
  std::vector<std::string> seen;
  run(catalog, {request(catalog, 0), request(catalog, 0.01)},
      [&](const ClusterView& view, Decisions& out) {
        static constexpr const char* kKinds[] = {"ready", "done", "request done"};
        for (const Change& change : view.changes())
          seen.push_back(fmt::format("{} {}", kKinds[static_cast<std::size_t>(change.kind)],
                                     change.request.value));
        first_fit(1)(view, out);
      });
  EXPECT_EQ(std::ranges::count(seen, "ready 0"), 3);
  EXPECT_EQ(std::ranges::count(seen, "done 0"), 3);
  EXPECT_EQ(std::ranges::count(seen, "request done 0"), 1);
}

TEST(ControlLoop, ProgressFollowsTheStepBoundaries) {
  TestCatalog catalog({1});
  std::vector<std::string> seen;
  run(catalog, {request(catalog, 0)}, [&](const ClusterView& view, Decisions& out) {
    for (const Task* task : view.running()) {
      const Progress p = view.progress(*task);
      const auto ms = [](TimePoint t) { return t.time_since_epoch() / 1ms; };
      seen.push_back(
          fmt::format("{}: {} {} {}", ms(view.now()), p.steps_done, ms(p.step_end), ms(p.run_end)));
    }
    first_fit(1)(view, out);
    if (view.now() < TimePoint(300ms)) out.wake_at(view.now() + 100ms);
  });
  ASSERT_GE(seen.size(), 3u);
  EXPECT_EQ(seen[0], "100: 0 110 410");
  EXPECT_EQ(seen[1], "110: 1 110 410");
}

TEST(ControlLoop, NamesPolicyDecisionAndRule) {
  TestCatalog catalog({2});
  const auto requests = [&] { return std::vector{request(catalog, 0)}; };
  const auto first = [](const ClusterView& view) -> const Task& { return **view.ready().begin(); };

  EXPECT_EQ(policy_error(catalog, requests(),
                         [&](const ClusterView& view, Decisions& out) {
                           if (!view.ready().empty())
                             out.place(first(view), {{0}, {0}}, {.ulysses = 2});
                         }),
            "policy 'lambda' broke its contract at t=0.000000000 s: place(task 0 of request 0 on "
            "GPUs 0 0, cfg 1 x ulysses 2 x ring 1 x tp 1, steps until told otherwise): GPU 0 is in "
            "the group twice");
  EXPECT_NE(policy_error(catalog, requests(),
                         [&](const ClusterView& view, Decisions& out) {
                           if (!view.ready().empty()) out.place(first(view), {{7}}, {});
                         })
                .find("there is no GPU 7; the cluster has 0 to 1"),
            std::string::npos);
  EXPECT_NE(policy_error(catalog, requests(),
                         [&](const ClusterView& view, Decisions& out) {
                           if (!view.ready().empty())
                             out.place(first(view), {{0}, {1}}, {.ulysses = 2});
                         })
                .find("the model cannot have that layout"),
            std::string::npos);
  EXPECT_NE(policy_error(catalog, requests(),
                         [&](const ClusterView& view, Decisions& out) {
                           if (!view.ready().empty()) out.place(first(view), {{0}, {1}}, {});
                         })
                .find("the layout is for 1 GPUs, the group has 2"),
            std::string::npos);
  EXPECT_NE(policy_error(catalog, requests(),
                         [&](const ClusterView& view, Decisions& out) {
                           if (!view.ready().empty()) out.place(first(view), {{0}}, {}, 2);
                         })
                .find("has 1 steps left; steps must be 1 to 1, or kUntilToldOtherwise"),
            std::string::npos);
  EXPECT_NE(policy_error(catalog, requests(),
                         [&](const ClusterView& view, Decisions& out) {
                           if (!view.ready().empty()) out.preempt(first(view));
                         })
                .find("preempt(task 0 of request 0): the task is not running"),
            std::string::npos);
  EXPECT_NE(policy_error(catalog, requests(),
                         [&](const ClusterView& view, Decisions& out) { out.wake_at(view.now()); })
                .find("wake_at(0.000000000 s): it is not later than now"),
            std::string::npos);
}

TEST(ControlLoop, BusyGpuIsNamedWithItsRun) {
  TestCatalog catalog({1});
  EXPECT_NE(policy_error(catalog, {request(catalog, 0), request(catalog, 0.005)},
                         [&](const ClusterView& view, Decisions& out) {
                           for (const Task* task : view.ready()) out.place(*task, {{0}}, {});
                         })
                .find("GPU 0 is not idle: run 0 is on it"),
            std::string::npos);
}

// A placement of a shape and layout that were placed before is looked at less closely, but no rule
// is forgotten over it. The first request is on GPU 0 when the second comes.
TEST(ControlLoop, RulesHoldAlsoForWhatWasPlacedBefore) {
  using Break = std::function<void(const Task& running, const Task& ready, Decisions&)>;
  const std::vector<std::pair<Break, const char*>> breaks = {
      {[](const Task&, const Task& ready, Decisions& out) { out.place(ready, {{0}}, {}); },
       "GPU 0 is not idle: run 0 is on it"},
      {[](const Task& running, const Task&, Decisions& out) { out.place(running, {{1}}, {}); },
       "task 0 of request 0 is not ready: it runs on GPU 0"},
      {[](const Task&, const Task& ready, Decisions& out) {
         out.place(ready, {{1}}, {});
         out.place(ready, {{2}}, {});
       },
       "task 1 of request 1 was already placed or rejected in this call"},
      {[](const Task&, const Task& ready, Decisions& out) {
         out.reject(ready);
         out.place(ready, {{1}}, {});
       },
       "task 1 of request 1 was already placed or rejected in this call"},
      {[](const Task&, const Task& ready, Decisions& out) {
         out.place(ready, {{1}, {2}}, {});
       },
       "the layout is for 1 GPUs, the group has 2"},
      {[](const Task&, const Task& ready, Decisions& out) { out.place(ready, {{1}}, {}, 2); },
       "task 1 of request 1 has 1 steps left"},
      {[](const Task&, const Task& ready, Decisions& out) { out.place(ready, {{1}}, {}, -1); },
       "task 1 of request 1 has 1 steps left"},
      {[](const Task&, const Task& ready, Decisions& out) { out.place(ready, {{3}}, {}); },
       "there is no GPU 3"},
      {[](const Task&, const Task& ready, Decisions& out) {
         Task stale = ready;
         stale.id = {77};
         out.place(stale, {{1}}, {});
       },
       "there is no such task (any more)"},
  };
  for (const auto& [breaks_it, rule] : breaks) {
    TestCatalog catalog({3});
    const std::string said =
        policy_error(catalog, {request(catalog, 0), request(catalog, 0.005)},
                     [&, breaks_it = breaks_it](const ClusterView& view, Decisions& out) {
                       if (view.now() == TimePoint{}) return first_fit(1)(view, out);
                       breaks_it(**view.running().begin(), **view.ready().begin(), out);
                     });
    EXPECT_NE(said.find(rule), std::string::npos) << said << "; expected: " << rule;
  }
}

TEST(ControlLoop, ATaskThatIsDoneIsShownAsItEndedWhenItIsTold) {
  TestCatalog catalog({2});
  std::vector<std::string> seen;
  run(catalog, {request(catalog, 0, 100, 4)}, [&](const ClusterView& view, Decisions& out) {
    for (const Change& change : view.changes())
      if (change.kind == Change::Kind::kTaskDone) {
        const Task& task = *change.task;
        seen.push_back(fmt::format("stage {} on {} GPUs, {} left", task.stage, task.group.size(),
                                   task.steps_left()));
      }
    first_fit(2)(view, out);
  });
  EXPECT_EQ(seen,
            (std::vector<std::string>{"stage 0 on 1 GPUs, 0 left", "stage 1 on 2 GPUs, 0 left",
                                      "stage 2 on 1 GPUs, 0 left"}));
}

TEST(ControlLoop, ATaskStaysWhereItIsUntilItsEndIsTold) {
  TestCatalog catalog({2});
  std::map<TaskId, const Task*> known;
  std::vector<Request> requests;
  for (int i = 0; i < 40; ++i) requests.push_back(request(catalog, i, 100, 3));
  int done = 0;
  run(catalog, requests, [&](const ClusterView& view, Decisions& out) {
    for (const Change& change : view.changes()) {
      if (change.kind == Change::Kind::kTaskReady) known.emplace(change.task->id, change.task);
      if (change.kind == Change::Kind::kTaskDone) {
        EXPECT_EQ(known.at(change.task->id), change.task);
        ++done;
      }
    }
    for (const Task* task : view.ready()) EXPECT_EQ(known.at(task->id), task);
    for (const Task* task : view.running()) EXPECT_EQ(known.at(task->id), task);
    first_fit(1)(view, out);
  });
  EXPECT_EQ(done, 3 * 40);
}

TEST(ControlLoop, ATaskThatIsDoneCannotBePlaced) {
  TestCatalog catalog({2});
  const std::string said =
      policy_error(catalog, {request(catalog, 0)}, [](const ClusterView& view, Decisions& out) {
        for (const Change& change : view.changes())
          if (change.kind == Change::Kind::kTaskDone) return out.place(*change.task, {{1}}, {});
        first_fit(1)(view, out);
      });
  EXPECT_NE(said.find("there is no such task (any more)"), std::string::npos) << said;
}

TEST(ControlLoop, MemoryIsChecked) {
  TestCatalog catalog({1});
  catalog.memory = std::int64_t{2} << 40;
  EXPECT_NE(policy_error(catalog, {request(catalog, 0)}, first_fit(1))
                .find("it needs 2048.00 GiB on each GPU, GPU 0 has 1024.00 GiB beside the weights"),
            std::string::npos);
}

TEST(ControlLoop, SaysWhoStalledWhat) {
  TestCatalog catalog({1});
  std::vector<Request> three(3, request(catalog, 0));
  EXPECT_EQ(policy_error(catalog, three, [](const ClusterView&, Decisions&) {}),
            "nothing can happen any more at t=0.000000000 s: 3 tasks wait, policy 'lambda' placed "
            "none of them (the first is stage 'encode' of request 'r0.000000')");
}

TEST(ControlLoop, EndlessWakingIsAStall) {
  TestCatalog catalog({1});
  EXPECT_NE(
      policy_error(catalog, {request(catalog, 0)},
                   [](const ClusterView& view, Decisions& out) { out.wake_at(view.now() + 1s); })
          .find("asked 100000 times to be woken"),
      std::string::npos);
}

TEST(ControlLoop, EndsWithTheLastRequestWhateverWakesAreAskedFor) {
  TestCatalog catalog({1});
  const auto out = run(catalog, {request(catalog, 0)}, [](const ClusterView& view, Decisions& d) {
    first_fit(1)(view, d);
    d.wake_at(view.now() + 1s);
  });
  EXPECT_EQ(out.diary.finished_ms, (std::vector<double>{430}));
}

TEST(ControlLoop, APolicyThatThrowsEndsTheRunWithItsWords) {
  TestCatalog catalog({1});
  EXPECT_EQ(policy_error(catalog, {request(catalog, 2)},
                         [](const ClusterView&, Decisions&) { throw std::logic_error("oh dear"); }),
            "policy 'lambda' threw at t=2.000000000 s: oh dear");
}

TEST(ControlLoop, JoinsParallelStages) {
  const StageGraph::Edge edges[] = {{"clip", "denoise"}, {"t5", "denoise"}, {"denoise", "decode"}};
  TestCatalog catalog({2}, StageGraph({{"clip", StageKind::kEncode},
                                       {"t5", StageKind::kEncode},
                                       {"denoise", StageKind::kDenoise},
                                       {"decode", StageKind::kDecode}},
                                      edges));
  const auto out = run(catalog, {request(catalog, 0, 100, 1)}, first_fit(1));
  EXPECT_EQ(out.diary.lines[0], "0 launch run 0 stage 0 on 0 x1");
  EXPECT_EQ(out.diary.lines[1], "0 launch run 1 stage 1 on 1 x1");
  EXPECT_EQ(out.diary.lines[4], "10 launch run 2 stage 2 on 1 x1");
  EXPECT_EQ(out.diary.finished_ms, (std::vector<double>{130}));
}

TEST(ControlLoop, AFailedGpuLeavesTheViewAndItsRequestGoesOnElsewhere) {
  TestCatalog catalog({2});
  const auto out =
      run(catalog, {request(catalog, 0)}, first_fit(1),
          {.failures = {{.gpu = {0}, .at = TimePoint(250ms), .repaired = TimePoint(10s)}}});
  EXPECT_EQ(out.diary.lines[3], "250 failed run 1 x2");
  EXPECT_EQ(out.diary.lines[4], "250 launch run 2 stage 1 on 1 x2");
  EXPECT_EQ(out.diary.finished_ms, (std::vector<double>{470}));
}

TEST(ControlLoop, WaitsForARepairAndEndsUnfinishedWithoutOne) {
  TestCatalog catalog({1});
  const auto repaired =
      run(catalog, {request(catalog, 0)}, first_fit(1),
          {.failures = {{.gpu = {0}, .at = TimePoint(250ms), .repaired = TimePoint(10s)}}});
  EXPECT_EQ(repaired.diary.finished_ms, (std::vector<double>{10220}));
  const auto lost = run(catalog, {request(catalog, 0)}, first_fit(1),
                        {.failures = {{.gpu = {0}, .at = TimePoint(250ms)}}});
  EXPECT_EQ(lost.diary.outcomes.at(0).end, RequestOutcome::End::kUnfinished);
}

TEST(ControlLoop, OverheadsComeBeforeTheFirstStep) {
  TestCatalog catalog({2});
  catalog.dispatch_time = 1ms;
  catalog.setup_time = 5ms;
  catalog.migrate_time = 2ms;
  const auto out = run(catalog, {request(catalog, 0), request(catalog, 1)}, first_fit(2));
  // 0+1+10 encode; +1+5+2 and 200 for the steps; +1+2+20 for decode. The second time the group
  // has been formed.
  EXPECT_EQ(out.diary.finished_ms, (std::vector<double>{242, 1237}));
}

}  // namespace
}  // namespace regroup
