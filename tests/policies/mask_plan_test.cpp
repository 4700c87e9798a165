// The dynamic program over sets of GPUs, against trying everything.
#include "policies/builtin/steps/mask_plan.hpp"

#include <gtest/gtest.h>

#include <random>

namespace regroup {
namespace {

using Options = std::vector<MaskOption>;

double best_by_trying_all(const std::vector<Options>& requests, std::size_t next, GpuMask used) {
  if (next == requests.size()) return 0;
  double best = best_by_trying_all(requests, next + 1, used);
  for (const MaskOption& option : requests[next])
    if ((used & option.gpus) == 0)
      best =
          std::max(best, option.value + best_by_trying_all(requests, next + 1, used | option.gpus));
  return best;
}

std::vector<Options> random_requests(std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Options> requests(1 + random() % 6);
  std::uint32_t action = 0;
  for (Options& options : requests) {
    options.resize(random() % 5);
    for (MaskOption& option : options)
      option = {.gpus = 1 + random() % 255,
                .value = static_cast<double>(random() % 200) - 50,
                .action = action++};
  }
  return requests;
}

TEST(MaskPlan, FindsTheBestOfAllChoices) {
  MaskPlan plan;
  for (std::uint32_t seed = 0; seed < 500; ++seed) {
    const auto requests = random_requests(seed);
    plan.clear();
    for (const Options& options : requests) plan.add(options);
    double sum = 0;
    GpuMask used = 0;
    std::size_t from = 0;
    for (const std::uint32_t action : plan.best()) {
      std::size_t request = from;
      const MaskOption* chosen = nullptr;
      for (; chosen == nullptr; ++request) {
        ASSERT_LT(request, requests.size()) << "one action a request, in order; seed " << seed;
        for (const MaskOption& option : requests[request])
          if (option.action == action) chosen = &option;
      }
      from = request;
      ASSERT_EQ(used & chosen->gpus, 0u) << "seed " << seed;
      used |= chosen->gpus;
      sum += chosen->value;
    }
    ASSERT_EQ(sum, best_by_trying_all(requests, 0, 0)) << "seed " << seed;
  }
}

TEST(MaskPlan, LeavesOutWhatIsWorthNothing) {
  MaskPlan plan;
  plan.add(Options{{0b01, -1, 7}, {0b10, 0, 8}});
  EXPECT_TRUE(plan.best().empty());
}

TEST(MaskPlan, TakesARequestOnce) {
  MaskPlan plan;
  plan.add(Options{{0b01, 5, 1}, {0b10, 6, 2}});
  EXPECT_EQ(plan.best().size(), 1u);
  EXPECT_EQ(plan.best()[0], 2u);
}

TEST(MaskPlan, OfEqualValuesTheFirstFound) {
  MaskPlan plan;
  plan.add(Options{{0b01, 5, 1}, {0b10, 5, 2}});
  EXPECT_EQ(plan.best()[0], 1u);
}

TEST(MaskPlan, PastItsLimitItStillFindsAPlanThatFits) {
  MaskPlan plan;
  for (std::uint32_t request = 0; request < 64; ++request) {
    Options options;
    for (std::uint32_t gpu = 0; gpu < 64; ++gpu)
      options.push_back({GpuMask{1} << gpu, 1, request * 64 + gpu});
    plan.add(options);
  }
  GpuMask used = 0;
  for (const std::uint32_t action : plan.best()) {
    const GpuMask gpu = GpuMask{1} << action % 64;
    EXPECT_EQ(used & gpu, 0u);
    used |= gpu;
  }
  EXPECT_NE(used, 0u);
}

}  // namespace
}  // namespace regroup
