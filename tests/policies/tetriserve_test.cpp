// TetriServe: its plan for one node, its rounds.
#include <gtest/gtest.h>

#include "policies/builtin/deadlines/tetriserve_node.hpp"
#include "tests/policies/lane_fixture.hpp"

namespace regroup {
namespace {

using std::chrono::milliseconds;
using testing::launches;
using testing::Lines;
using testing::request;
using testing::run_policy;
using testing::TestCatalog;
using tetriserve::Candidate;
using tetriserve::NodePlan;

// Ten steps, of which one takes 80 ms on one GPU and 80 / k on k.
Candidate ten_steps(unsigned request, int deadline_ms) {
  Candidate candidate;
  candidate.key.deadline = deadline_ms > 0 ? TimePoint(milliseconds(deadline_ms)) : kNever;
  candidate.key.request = {request};
  candidate.steps = 10;
  for (const int k : {1, 2, 4, 8})
    candidate.widths.push_back(
        {{.ulysses = static_cast<std::uint8_t>(k)}, milliseconds(800 / k), milliseconds(80 / k)});
  return candidate;
}

// The targets of requests 0, 1, ... with these deadlines.
std::vector<int> targets(int gpus, std::vector<int> deadlines_ms, Duration window = {}) {
  NodePlan node;
  node.gpus = gpus;
  for (unsigned i = 0; i < deadlines_ms.size(); ++i) node.add(ten_steps(i, deadlines_ms[i]), {i});
  node.plan(TimePoint(), window);
  std::vector<int> result;
  for (unsigned i = 0; i < deadlines_ms.size(); ++i) result.push_back(node.find({i}, {i})->target);
  return result;
}

TEST(TetriservePlan, GivesWhatEachNeedsToBeInTime) {
  EXPECT_EQ(targets(8, {205, 205}), (std::vector{4, 4}));
  EXPECT_EQ(targets(8, {405, 205, 405}), (std::vector{2, 4, 2}));
}

TEST(TetriservePlan, WhoCannotBeInTimeHoldsNobodyUp) {
  // The most urgent is lost. The one behind it has to run now, on all there are.
  EXPECT_EQ(targets(4, {50, 205}), (std::vector{0, 4}));
  EXPECT_EQ(targets(8, {50, 105}), (std::vector{0, 8}));
  // On eight GPUs it has time: what nobody has to have goes by deadline.
  EXPECT_EQ(targets(8, {50, 205}), (std::vector{8, 0}));
}

TEST(TetriservePlan, WhoCanWaitWaitsForWhoCannot) {
  // A round of 100 ms: on eight GPUs the second needs 100 ms more, which it still has.
  EXPECT_EQ(targets(8, {105, 205}, milliseconds(100)), (std::vector{8, 0}));
}

TEST(TetriservePlan, SpareGpusWidenTheMostUrgent) {
  EXPECT_EQ(targets(8, {0}), (std::vector{8}));
  EXPECT_EQ(targets(8, {900, 1000}), (std::vector{4, 4}));
  EXPECT_EQ(targets(7, {900, 1000}), (std::vector{4, 2}));
}

TEST(Tetriserve, ContinuousGoesOnAtOnce) {
  TestCatalog catalog({8});
  const auto output = run_policy(catalog, {request(catalog, 0, 80, 2, 9)}, "tetriserve");
  EXPECT_EQ(launches(output), (Lines{"0 stage 0 on 0 x1", "10 stage 1 on 0 1 2 3 4 5 6 7 x1",
                                     "20 stage 1 on 0 1 2 3 4 5 6 7 x1", "30 stage 2 on 0 x1"}));
}

TEST(Tetriserve, NewStagesWaitForARoundStepsDoNot) {
  TestCatalog catalog({8});
  const auto output =
      run_policy(catalog, {request(catalog, 0.007, 80, 12, 9), request(catalog, 1, 80, 1, 9)},
                 "tetriserve", {{"round_ms", "100"}});
  Lines lines = launches(output);
  // Rounds begin at 7, 107, ... ms. Ten steps of 10 ms fit into one.
  EXPECT_EQ(lines[0], "7 stage 0 on 0 x1");
  EXPECT_EQ(lines[1], "107 stage 1 on 0 1 2 3 4 5 6 7 x1");
  EXPECT_EQ(lines[10], "197 stage 1 on 0 1 2 3 4 5 6 7 x1");
  EXPECT_EQ(lines[12], "217 stage 1 on 0 1 2 3 4 5 6 7 x1");
  EXPECT_EQ(lines[13], "307 stage 2 on 0 x1");
  // Nothing is there at 407 ms or later; the rounds go on as if they had never stopped.
  EXPECT_EQ(lines[14], "1007 stage 0 on 0 x1");
  EXPECT_EQ(output.diary.outcomes.size(), 2u);
}

TEST(Tetriserve, NoRoundsWhileAllGpusAreBroken) {
  TestCatalog catalog({2});
  const auto output = run_policy(catalog, {request(catalog, 0, 80, 3, 9)}, "tetriserve",
                                 {{"round_ms", "100"}}, testing::failing({0, 1}, 135, 1042));
  // Repaired within a round: the request waits for the next.
  EXPECT_EQ(launches(output)[2], "1100 stage 1 on 0 1 x1");
  EXPECT_EQ(std::ranges::count_if(
                launches(output),
                [](const std::string& line) { return line.find("stage 2") != std::string::npos; }),
            1);
}

}  // namespace
}  // namespace regroup
