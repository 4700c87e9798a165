// The deadline policies of GF-DiT in small, where every placement can be worked out by hand.
#include <gtest/gtest.h>

#include "tests/policies/lane_fixture.hpp"

namespace regroup {
namespace {

using testing::finished_by_request;
using testing::launches;
using testing::Lines;
using testing::request;
using testing::run_policy;
using testing::TestCatalog;
using testing::Times;

TEST(EdfGreedy, EachTakesTheFastestSizeOfWhatIsFree) {
  TestCatalog catalog({8});
  const auto output = run_policy(catalog, {request(catalog, 0, 80, 2)}, "edf-greedy");
  EXPECT_EQ(launches(output), (Lines{"0 stage 0 on 0 x1", "10 stage 1 on 0 1 2 3 4 5 6 7 x1",
                                     "20 stage 1 on 0 1 2 3 4 5 6 7 x1", "30 stage 2 on 0 x1"}));
}

TEST(EdfGreedy, OfTwoThatEndTogetherTheSecondsGpusAreNotFreeForTheFirst) {
  TestCatalog catalog({8});
  const auto output = run_policy(
      catalog, {request(catalog, 0, 80, 1, 9), request(catalog, 0, 80, 1, 8)}, "edf-greedy");
  const Lines lines = launches(output);
  EXPECT_EQ(lines[2], "10 stage 1 on 0 2 3 4 x1");
  EXPECT_EQ(lines[3], "10 stage 1 on 1 5 6 7 x1");
}

TEST(EdfGreedy, StepsSayHowOftenItDecides) {
  TestCatalog catalog({8});
  const auto output =
      run_policy(catalog, {request(catalog, 0, 80, 5)}, "edf-greedy", {{"steps", "3"}});
  EXPECT_EQ(launches(output), (Lines{"0 stage 0 on 0 x1", "10 stage 1 on 0 1 2 3 4 5 6 7 x3",
                                     "40 stage 1 on 0 1 2 3 4 5 6 7 x2", "60 stage 2 on 0 x1"}));
}

// On 1, 2, 4 and 8 GPUs a step takes 80, 40, 20 and 10 ms.
TEST(EdfBestFit, TakesTheNarrowestInTimeAndWidensByWhatIsLeft) {
  TestCatalog catalog({8});
  // Both encode from 0 to 10 ms; at 10 ms the second one's GPU is not free for the first.
  const auto output =
      run_policy(catalog, {request(catalog, 0, 80, 1, 0.070), request(catalog, 0, 80, 1, 0.110)},
                 "edf-best-fit");
  const Lines lines = launches(output);
  EXPECT_EQ(lines[2], "10 stage 1 on 0 2 3 4 x1");
  EXPECT_EQ(lines[3], "10 stage 1 on 1 5 6 7 x1");
}

TEST(EdfBestFit, DecidesOnAllThatWaitBeforeItChoosesGpus) {
  TestCatalog catalog({8});
  const auto output =
      run_policy(catalog,
                 {request(catalog, 0, 80, 1), request(catalog, 0.012, 160, 1, 0.200),
                  request(catalog, 0.013, 160, 1, 0.201)},
                 "edf-best-fit");
  const Lines lines = launches(output);
  // The first request has all GPUs from 10 to 20 ms. It has no deadline, so its decoding comes
  // last.
  EXPECT_EQ(lines[2], "20 stage 0 on 0 x1");
  EXPECT_EQ(lines[3], "20 stage 0 on 1 x1");
  EXPECT_EQ(lines[4], "20 stage 2 on 2 x1");
  // One GPU would be too slow by 10 ms; what is left over widens two to four, but not the third's.
  EXPECT_EQ(lines[5], "30 stage 1 on 0 3 4 5 x1");
  EXPECT_EQ(lines[6], "30 stage 1 on 1 6 x1");
}

TEST(EdfBestFit, StaysOnItsGpusOnlyIfTheyAreAsMany) {
  TestCatalog catalog({8});
  // Decoding takes the lowest GPU whichever the request had.
  const auto output = run_policy(
      catalog, {request(catalog, 0, 80, 1, 0.5), request(catalog, 0, 80, 2, 0.9)}, "edf-best-fit");
  const Lines lines = launches(output);
  EXPECT_EQ(lines[2], "10 stage 1 on 0 2 3 4 x1");
  EXPECT_EQ(lines[3], "10 stage 1 on 1 5 6 7 x1");
  EXPECT_EQ(lines[4], "30 stage 2 on 0 x1");
  EXPECT_EQ(lines[5], "30 stage 1 on 1 5 6 7 x1");
}

TEST(EdfBestFit, WithoutADeadlineTheWidest) {
  TestCatalog catalog({4});
  const auto output = run_policy(catalog, {request(catalog, 0, 80, 1)}, "edf-best-fit");
  EXPECT_EQ(launches(output)[1], "10 stage 1 on 0 1 2 3 x1");
}

class EdfFamily : public ::testing::TestWithParam<const char*> {};

TEST_P(EdfFamily, AGroupLiesOnOneNodeAndItsRequestStaysThere) {
  TestCatalog catalog({4, 4});
  catalog.migrate_time = std::chrono::milliseconds(100);
  const auto output = run_policy(
      catalog, {request(catalog, 0, 80, 2, 9), request(catalog, 0, 80, 2, 9)}, GetParam());
  std::set<std::string> groups;
  for (const std::string& line : launches(output))
    if (line.find("stage 1") != std::string::npos) groups.insert(line.substr(line.find(" on ")));
  EXPECT_EQ(groups, (std::set<std::string>{" on 0 1 2 3 x1", " on 4 5 6 7 x1"}));
  for (const auto& outcome : output.diary.outcomes) EXPECT_EQ(outcome.group_changes, 0);
  EXPECT_EQ(output.diary.outcomes.size(), 2u);
}

// The third request needs the GPU of the first one, which ends as the second one comes.
TEST_P(EdfFamily, AnArrivalAtTheInstantOfAnEndHidesNoGpu) {
  TestCatalog catalog({1, 1});
  const auto output = run_policy(catalog,
                                 {request(catalog, 0, 80, 1, 9), request(catalog, 0.110, 80, 1, 9),
                                  request(catalog, 0.111, 80, 1, 9)},
                                 GetParam());
  const Times ends = finished_by_request(output);
  EXPECT_EQ(ends[0], 110);
  EXPECT_EQ(ends[1], 220);
  EXPECT_LT(ends[2], 232);
}

TEST_P(EdfFamily, GoesOnWithTheGpusThatAreLeft) {
  TestCatalog catalog({4});
  const auto output =
      run_policy(catalog, {request(catalog, 0, 80, 10, 9), request(catalog, 0, 80, 10, 9)},
                 GetParam(), {}, testing::failing({1, 2, 3}, 35, 400));
  EXPECT_EQ(finished_by_request(output).size(), 2u);
}

TEST_P(EdfFamily, WaitsWhereNothingIsLeftAndMovesWhereSomethingIs) {
  TestCatalog alone({2});
  EXPECT_EQ(run_policy(alone, {request(alone, 0, 80, 3, 9)}, GetParam(), {},
                       testing::failing({0, 1}, 35, 400))
                .diary.outcomes.size(),
            1u);
  TestCatalog two({2, 2});
  const auto output = run_policy(two, {request(two, 0, 80, 3, 9)}, GetParam(), {},
                                 testing::failing({0, 1}, 35, 4000));
  EXPECT_LT(finished_by_request(output)[0], 4000);
}

TEST_P(EdfFamily, RefusesBadParameters) {
  const bool tetriserve = std::string(GetParam()) == "tetriserve";
  TestCatalog catalog({1});
  EXPECT_THROW(run_policy(catalog, {}, GetParam(),
                          {{tetriserve ? "round_ms" : "steps", tetriserve ? "-1" : "0"}}),
               std::runtime_error);
}

INSTANTIATE_TEST_SUITE_P(All, EdfFamily,
                         ::testing::Values("edf-greedy", "edf-best-fit", "tetriserve"),
                         [](const auto& each) {
                           std::string name = each.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace regroup
