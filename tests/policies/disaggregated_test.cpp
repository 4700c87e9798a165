// Encode, denoise and decode on GPUs of their own. Times in milliseconds: encode 10, a denoising
// step as told, decode 20.
#include <gtest/gtest.h>

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

constexpr const char* kName = "disaggregated";

TEST(Disaggregated, EveryKindOfStageHasGpusOfItsOwn) {
  TestCatalog catalog({8});
  const auto output =
      run_policy(catalog, {request(catalog, 0, 100, 2), request(catalog, 0, 100, 2)}, kName,
                 {{"degree", "4"}});
  // Lanes of 4 and 2 GPUs for denoising; the second encodes when the first is done with it.
  EXPECT_EQ(launches(output),
            (Lines{"0 stage 0 on 0 x1", "10 stage 0 on 0 x1", "10 stage 1 on 2 3 4 5 x2",
                   "20 stage 1 on 6 7 x2", "60 stage 2 on 1 x1", "120 stage 2 on 1 x1"}));
}

TEST(Disaggregated, OnASmallNodePoolsCoincide) {
  TestCatalog two({2});
  const auto shared = run_policy(two, {request(two, 0, 100, 2)}, kName);
  EXPECT_EQ(launches(shared),
            (Lines{"0 stage 0 on 0 x1", "10 stage 1 on 1 x2", "210 stage 2 on 0 x1"}));
  TestCatalog one({1});
  const auto alone = run_policy(one, {request(one, 0, 100, 2), request(one, 0.001, 100, 2)}, kName);
  // Whatever came first, of all stages.
  EXPECT_EQ(launches(alone),
            (Lines{"0 stage 0 on 0 x1", "10 stage 0 on 0 x1", "20 stage 1 on 0 x2",
                   "220 stage 1 on 0 x2", "420 stage 2 on 0 x1", "440 stage 2 on 0 x1"}));
}

TEST(Disaggregated, ARequestStaysOnItsNodeWhereThereIsRoom) {
  TestCatalog catalog({4, 4});
  const auto output = run_policy(
      catalog,
      {request(catalog, 0, 100, 2), request(catalog, 0, 100, 4), request(catalog, 0.05, 100, 1)},
      kName);
  EXPECT_EQ(launches(output),
            (Lines{"0 stage 0 on 0 x1", "0 stage 0 on 4 x1", "10 stage 1 on 2 3 x2",
                   "10 stage 1 on 6 7 x4", "50 stage 0 on 0 x1", "110 stage 1 on 2 3 x1",
                   "110 stage 2 on 1 x1", "160 stage 2 on 1 x1", "210 stage 2 on 5 x1"}));
}

TEST(Disaggregated, APoolWithoutGpusHasItsWorkDoneElsewhere) {
  TestCatalog catalog({4});
  const auto output =
      run_policy(catalog, {request(catalog, 0.1, 100, 1), request(catalog, 0.6, 100, 1)}, kName, {},
                 failing({0}, 50, 500));
  EXPECT_EQ(launches(output),
            (Lines{"100 stage 0 on 2 x1", "110 stage 1 on 2 3 x1", "160 stage 2 on 1 x1",
                   "600 stage 0 on 0 x1", "610 stage 1 on 2 3 x1", "660 stage 2 on 1 x1"}));
}

TEST(Disaggregated, ALaneGoesOnWithTheGpusThatAreLeft) {
  TestCatalog catalog({4});
  const auto output =
      run_policy(catalog, {request(catalog, 0, 100, 4)}, kName, {}, failing({3}, 75, 5000));
  EXPECT_EQ(launches(output), (Lines{"0 stage 0 on 0 x1", "10 stage 1 on 2 3 x4",
                                     "75 stage 1 on 2 x3", "375 stage 2 on 1 x1"}));
}

TEST(Disaggregated, ASmallOtherStageStaysWhereItsInputLies) {
  const StageGraph::Edge edges[] = {
      {"encode", "denoise"}, {"denoise", "decode"}, {"decode", "finalize"}};
  TestCatalog catalog({4}, StageGraph({{"encode", StageKind::kEncode},
                                       {"denoise", StageKind::kDenoise},
                                       {"decode", StageKind::kDecode},
                                       {"finalize", StageKind::kOther}},
                                      edges));
  const auto output = run_policy(catalog, {request(catalog, 0, 100, 1)}, kName);
  EXPECT_EQ(launches(output).back(), "80 stage 3 on 1 x1");
}

}  // namespace
}  // namespace regroup
