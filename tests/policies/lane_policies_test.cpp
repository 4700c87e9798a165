// The policies that bind requests to lanes: who runs where, in which order, and what becomes of
// lanes whose GPUs fail. Times in milliseconds: encode 10, a denoising step as told, decode 20.
#include <gtest/gtest.h>

#include "core/errors.hpp"
#include "tests/policies/lane_fixture.hpp"

namespace regroup {
namespace {

using testing::failing;
using testing::finished_by_request;
using testing::launches;
using testing::Lines;
using testing::request;
using testing::run_policy;
using testing::TestCatalog;
using testing::Times;

TEST(Static, DealsOutInTurnWhateverTheLoad) {
  TestCatalog catalog({2});
  const auto output = run_policy(
      catalog,
      {request(catalog, 0, 100, 10), request(catalog, 0.001, 10, 1), request(catalog, 0.5, 10, 1)},
      "static");
  // The third is bound to the first GPU, though the second is idle.
  EXPECT_EQ(finished_by_request(output), (Times{1030, 41, 1070}));
}

TEST(Static, LanesThatOverlapTakeTurnsAtEveryStep) {
  TestCatalog catalog({3});
  const auto output =
      run_policy(catalog, {request(catalog, 0, 100, 2), request(catalog, 0, 100, 2)}, "static",
                 {{"degree", "2"}});
  EXPECT_EQ(launches(output),
            (Lines{"0 stage 0 on 0 x1", "0 stage 0 on 1 x1", "10 stage 1 on 0 1 x1",
                   "60 stage 1 on 1 2 x1", "110 stage 1 on 0 1 x1", "160 stage 1 on 1 2 x1",
                   "160 stage 2 on 0 x1", "210 stage 2 on 1 x1"}));
}

TEST(Static, AStageIsOneRunUntilSomebodyWaits) {
  TestCatalog catalog({3});
  const auto output =
      run_policy(catalog, {request(catalog, 0, 100, 4), request(catalog, 0.07, 100, 1)}, "static",
                 {{"degree", "2"}});
  EXPECT_EQ(launches(output),
            (Lines{"0 stage 0 on 0 x1", "10 stage 1 on 0 1 x4", "110 stage 0 on 1 x1",
                   "120 stage 1 on 0 1 x1", "170 stage 1 on 1 2 x1", "220 stage 1 on 0 1 x1",
                   "270 stage 2 on 1 x1", "270 stage 2 on 0 x1"}));
}

TEST(Static, SideBySideLanesDoNotWaitForOneAnother) {
  TestCatalog catalog({4});
  const auto output =
      run_policy(catalog, {request(catalog, 0, 100, 4), request(catalog, 0, 100, 4)}, "static",
                 {{"degree", "2"}, {"lanes", "partition"}});
  EXPECT_EQ(launches(output),
            (Lines{"0 stage 0 on 0 x1", "0 stage 0 on 2 x1", "10 stage 1 on 0 1 x4",
                   "10 stage 1 on 2 3 x4", "210 stage 2 on 0 x1", "210 stage 2 on 2 x1"}));
}

// Requests that only denoise: what is left of them is their steps, and 20.
StageGraph denoise_only() { return StageGraph({{"denoise", StageKind::kDenoise}}, {}); }

TEST(Fcfs, BindsToTheLaneWithTheLeastLeftToDo) {
  TestCatalog catalog({2}, denoise_only());
  // At 505 the first has 5 of its steps left, the second 6 of 7: fewer than the first had once.
  const auto output = run_policy(
      catalog,
      {request(catalog, 0, 100, 10), request(catalog, 0.4, 100, 7), request(catalog, 0.505, 10, 1)},
      "fcfs");
  EXPECT_EQ(finished_by_request(output), (Times{1000, 1100, 1010}));
}

TEST(Fcfs, ASharedQueueTakesWhateverIsFreeFirst) {
  // Nobody foresees that each request needs 100 more. When the last one comes the second lane has
  // less to do by what is foreseen, and is done later.
  for (const auto& [queue, last] : {std::pair{"bound", 1001.0}, {"shared", 900.0}}) {
    TestCatalog catalog({2}, denoise_only());
    catalog.dispatch_time = std::chrono::milliseconds(100);
    std::vector<Request> requests{request(catalog, 0, 100, 6)};
    for (int i = 1; i <= 5; ++i) requests.push_back(request(catalog, 0.001 * i, 100, 1));
    const auto output = run_policy(catalog, requests, "fcfs", {{"queue", queue}});
    EXPECT_EQ(finished_by_request(output)[5], last) << queue;
  }
}

TEST(Srtf, GivesTheLaneToTheShortestAtTheNextStepAndGoesOnLater) {
  TestCatalog catalog({1}, denoise_only());
  const auto output =
      run_policy(catalog, {request(catalog, 0, 100, 10), request(catalog, 0.25, 10, 3)}, "srtf");
  EXPECT_EQ(launches(output),
            (Lines{"0 stage 0 on 0 x10", "300 stage 0 on 0 x3", "330 stage 0 on 0 x7"}));
}

TEST(Srtf, DoesNotMakeRoomForWhatWillNotBeShorterByThen) {
  // At 100 the first has two steps to do; one, of 150, is left when the second request could begin.
  for (const auto& [steps, first_done] : {std::pair{16, 300.0}, {15, 300.0}, {14, 440.0}}) {
    TestCatalog catalog({1}, denoise_only());
    const auto output = run_policy(
        catalog, {request(catalog, 0, 150, 2), request(catalog, 0.1, 10, steps)}, "srtf");
    EXPECT_EQ(finished_by_request(output)[0], first_done) << steps;
    // It is not even stopped if it would go on.
    EXPECT_EQ(launches(output).size(), first_done == 300 ? 2u : 3u) << steps;
  }
}

TEST(Sjf, LetsARequestFinishAndTakesTheShortestOfThoseThatWait) {
  TestCatalog catalog({1}, denoise_only());
  const auto output = run_policy(
      catalog,
      {request(catalog, 0, 100, 5), request(catalog, 0.01, 50, 5), request(catalog, 0.02, 10, 5)},
      "sjf");
  EXPECT_EQ(finished_by_request(output), (Times{500, 800, 550}));
}

TEST(Rssp, AClassHasADegreeOfItsOwn) {
  TestCatalog catalog({4});
  const auto wide = run_policy(catalog, {request(catalog, 0, 100, 1)}, "rssp", {{"degrees", ":4"}});
  EXPECT_EQ(launches(wide)[1], "10 stage 1 on 0 1 2 3 x1");
  const auto narrow = run_policy(catalog, {request(catalog, 0, 100, 1)}, "rssp");
  EXPECT_EQ(launches(narrow)[1], "10 stage 1 on 0 x1");
  // No node is that wide: a single GPU.
  const auto fallback =
      run_policy(catalog, {request(catalog, 0, 100, 1)}, "rssp", {{"degrees", ":8"}});
  EXPECT_EQ(launches(fallback)[1], "10 stage 1 on 0 x1");
}

TEST(Rssp, RefusesDegreesThatAreNone) {
  for (const char* text : {"S", "S:0", "S:4x", "S:4,", "S:33", ""})
    EXPECT_THROW(PolicyHandle(find_policy("rssp", kBuiltinPolicies),
                              PolicyParams(testing::PolicyParameters{{"degrees", text}})),
                 ConfigError)
        << text;
}

TEST(LoadAdaptive, IsWideWhileLoadIsLow) {
  TestCatalog catalog({4});
  const auto output = run_policy(catalog,
                                 {request(catalog, 0, 100, 1), request(catalog, 100, 100, 1),
                                  request(catalog, 155, 100, 1), request(catalog, 400, 100, 1)},
                                 "load-adaptive");
  const auto all = launches(output);
  // The second comes 100 s after the first: high load until 160 s, then until 215 s.
  EXPECT_EQ(all[1], "10 stage 1 on 0 1 2 3 x1");
  EXPECT_EQ(all[4], "100010 stage 1 on 0 x1");
  EXPECT_EQ(all[7], "155010 stage 1 on 1 x1");
  EXPECT_EQ(all[10], "400010 stage 1 on 0 1 2 3 x1");
}

TEST(LoadAdaptive, IsNarrowWhileOthersAreUnderWay) {
  // The first two have all GPUs, 250 s a step. The third wants one when the first step is done, or
  // all of them when the second request's is.
  for (const auto& [backlog, start] :
       {std::pair{"2", "250010 stage 0 on 0 x1"}, {"3", "500060 stage 0 on 0 x1"}}) {
    TestCatalog catalog({8});
    const auto output =
        run_policy(catalog,
                   {request(catalog, 0, 2'000'000, 1), request(catalog, 129, 2'000'000, 1),
                    request(catalog, 249.5, 100, 1)},
                   "load-adaptive", {{"backlog", backlog}});
    const Lines all = launches(output);
    EXPECT_EQ(std::ranges::count(all, start), 1) << backlog;
  }
}

TEST(LoadAdaptive, WithPriorityTheMostImportantOfThoseThatWaitIsNext) {
  for (const bool priority : {false, true}) {
    TestCatalog catalog({1});
    // The first has the wide lane, the second the narrow one, for which the others wait.
    std::vector<Request> requests;
    for (int i = 0; i < 4; ++i) requests.push_back(request(catalog, 0.01 * i, 10, 1));
    requests[3].priority = 5;
    const auto output =
        run_policy(catalog, requests, "load-adaptive", {{"priority", priority ? "1" : "0"}});
    const Times finished = finished_by_request(output);
    EXPECT_EQ(finished[3] < finished[2], priority);
  }
}

TEST(Legacy, ANodeDoesOneRequestAtATime) {
  TestCatalog catalog({4, 4});
  const auto output = run_policy(
      catalog,
      {request(catalog, 0, 100, 1), request(catalog, 0, 200, 1), request(catalog, 0, 100, 1)},
      "legacy");
  EXPECT_EQ(launches(output),
            (Lines{"0 stage 0 on 0 x1", "0 stage 0 on 4 x1", "10 stage 1 on 0 1 2 3 x1",
                   "10 stage 1 on 4 5 6 7 x1", "35 stage 2 on 0 x1", "55 stage 0 on 0 x1",
                   "60 stage 2 on 4 x1", "65 stage 1 on 0 1 2 3 x1", "90 stage 2 on 0 x1"}));
}

TEST(BoundLanes, GoOnWithTheGpusThatAreLeft) {
  TestCatalog catalog({4});
  const auto output = run_policy(catalog, {request(catalog, 0, 400, 4)}, "fcfs", {{"degree", "4"}},
                                 failing({1}, 150, 500));
  // One of four steps is done; with three GPUs left two are used; cut when the fourth is back.
  EXPECT_EQ(launches(output),
            (Lines{"0 stage 0 on 0 x1", "10 stage 1 on 0 1 2 3 x4", "150 stage 1 on 0 2 x3",
                   "550 stage 1 on 0 1 2 3 x1", "650 stage 2 on 0 x1"}));
}

TEST(BoundLanes, LeaveALaneThatHasNoGpuLeft) {
  TestCatalog catalog({2});
  const auto output = run_policy(
      catalog,
      {request(catalog, 0, 100, 2), request(catalog, 0, 100, 2), request(catalog, 0.001, 100, 2)},
      "fcfs", {}, failing({0}, 150, 100'000));
  // The first and the third come to the second GPU, in the order in which they arrived.
  EXPECT_EQ(finished_by_request(output), (Times{350, 230, 580}));
}

TEST(BoundLanes, WaitForARepairIfNoLaneIsLeft) {
  TestCatalog catalog({2});
  const auto output =
      run_policy(catalog, {request(catalog, 0, 100, 2), request(catalog, 0.2, 100, 2)}, "static",
                 {}, failing({0, 1}, 150, 1000));
  EXPECT_EQ(finished_by_request(output), (Times{1120, 1230}));
}

TEST(LanePolicies, RefuseWhatIsNoDegree) {
  for (const char* name : {"static", "fcfs", "srtf", "sjf"})
    for (const char* degree : {"0", "33"})
      EXPECT_THROW(PolicyHandle(find_policy(name, kBuiltinPolicies),
                                PolicyParams(testing::PolicyParameters{{"degree", degree}})),
                   ConfigError)
          << name << degree;
}

}  // namespace
}  // namespace regroup
