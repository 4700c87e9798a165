// step-preempt, clean-edf and primal-dual on small cases that can be followed by hand.
#include <gtest/gtest.h>

#include "policies/builtin/steps/node_masks.hpp"
#include "tests/policies/lane_fixture.hpp"

namespace regroup {
namespace {

using testing::failing;
using testing::finished_by_request;
using testing::launches;
using testing::ListSource;
using testing::PolicyParameters;
using testing::request;
using testing::RunOutput;
using testing::TestCatalog;

// Classes S and L by name.
constexpr ClassId kS{0}, kL{1};

struct StepRun {
  RunOutput output;
  // Launches of denoising of one class, in order.
  struct Step {
    double at_ms;
    std::size_t gpus;
  };
  std::vector<Step> s, l;
};

class Steps final : public Observer {
 public:
  explicit Steps(StepRun& run) : run_(run) {}
  void on_launch(TimePoint t, const Launch& launch) override {
    const Task& task = *launch.tasks[0];
    if (task.kind != StageKind::kDenoise) return;
    auto& steps = task.request_class == kS ? run_.s : run_.l;
    steps.push_back({to_seconds(t) * 1e3, launch.group.size()});
  }

 private:
  StepRun& run_;
};

Request of_class(Request r, ClassId c) {
  r.request_class = c;
  return r;
}

StepRun run(TestCatalog& catalog, std::vector<Request> requests, const char* name,
            PolicyParameters params = {}, sim::SimOptions options = {}) {
  StepRun result;
  Steps steps(result);
  NameTable<ClassId> classes;
  classes.intern("S");
  classes.intern("L");
  ListSource source(std::move(requests));
  Conservation conservation(catalog.gpus().size());
  PolicyHandle policy(find_policy(name, kBuiltinPolicies), PolicyParams(std::move(params)));
  sim::SimBackend backend(catalog, std::move(options));
  ControlLoop({.backend = backend,
               .policy = policy,
               .catalog = catalog,
               .requests = source,
               .classes = classes,
               .observers = {&result.output.diary, &conservation, &steps}})
      .run();
  return result;
}

// L: 40 steps of 100 ms on eight GPUs. S: 10 steps of 10 ms on eight, from 1 s on.
std::vector<Request> long_and_short(TestCatalog& catalog, double short_deadline_s = 100) {
  return {of_class(request(catalog, 0, 800, 40, 1000), kL),
          of_class(request(catalog, 1, 80, 10, short_deadline_s), kS)};
}

// A request is one stage, so that its length is plain.
TestCatalog denoising_only(std::vector<int> gpus_per_node) {
  return TestCatalog(std::move(gpus_per_node), StageGraph({{"denoise", StageKind::kDenoise}}, {}));
}

class PreemptiveSteps : public ::testing::TestWithParam<const char*> {};

TEST_P(PreemptiveSteps, ALoneRequestTakesTheWholeNode) {
  auto catalog = denoising_only({8});
  const StepRun r = run(catalog, {of_class(request(catalog, 0, 800, 4, 100), kL)}, GetParam());
  ASSERT_EQ(r.l.size(), 4u) << "a decision at each step";
  for (const auto& step : r.l) EXPECT_EQ(step.gpus, 8u);
}

TEST_P(PreemptiveSteps, PauseSetsTheLongOneAsideWhileAShortOneIsThere) {
  auto catalog = denoising_only({8});
  const StepRun r = run(catalog, long_and_short(catalog), GetParam());
  const double s_ends = finished_by_request(r.output)[1];
  for (const auto& step : r.l)
    EXPECT_TRUE(step.at_ms <= 1000 || step.at_ms >= s_ends) << "at " << step.at_ms;
  EXPECT_EQ(r.l.size(), 40u);
  EXPECT_EQ(r.l.back().gpus, 8u) << "and takes all again afterwards";
}

TEST_P(PreemptiveSteps, AMissIsRememberedButNotForEver) {
  auto catalog = denoising_only({8});
  // On one GPU S is expected to take 0.82 s (the catalogue adds 20 ms). It cannot be in time.
  const double short_memory = finished_by_request(
      run(catalog, long_and_short(catalog, 1.05), GetParam(), {{"memory", "2"}}).output)[0];
  const double long_memory = finished_by_request(
      run(catalog, long_and_short(catalog, 1.05), GetParam(), {{"memory", "20"}}).output)[0];
  EXPECT_NEAR(long_memory - short_memory, 18 * 820, 1);
}

TEST_P(PreemptiveSteps, WhatIsSetAsideForLongGetsAPlacementNowAndThen) {
  auto catalog = denoising_only({8});
  // From 1 s on there is always an S on some of the GPUs, until 21 s.
  std::vector<Request> requests{of_class(request(catalog, 0, 800, 40, 1000), kL)};
  for (int i = 0; i < 40; ++i)
    requests.push_back(of_class(request(catalog, 1 + i * 0.5, 80, 60, 1000), kS));
  const StepRun r = run(catalog, requests, GetParam(), {{"force_s", "3"}});
  std::vector<double> forced;
  for (const auto& step : r.l)
    if (step.at_ms > 1200 && step.at_ms < 20000) {
      EXPECT_EQ(step.gpus, 1u);
      forced.push_back(step.at_ms);
    }
  ASSERT_GE(forced.size(), 3u);
  for (std::size_t i = 1; i < forced.size(); ++i) EXPECT_GE(forced[i] - forced[i - 1], 3000);
}

TEST_P(PreemptiveSteps, GroupsStepOverFailedGpus) {
  auto catalog = denoising_only({8});
  const StepRun r =
      run(catalog, long_and_short(catalog), GetParam(), {}, failing({1, 3, 5}, 500, 100000));
  EXPECT_EQ(r.output.diary.outcomes.size(), 2u);
  bool four = false;
  for (const auto& step : r.l) four |= step.at_ms > 600 && step.gpus == 4;
  EXPECT_TRUE(four) << "five GPUs are left, no four of them neighbours by number";
}

INSTANTIATE_TEST_SUITE_P(Of, PreemptiveSteps, ::testing::Values("step-preempt", "clean-edf"),
                         [](const auto& each) {
                           std::string name = each.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(StepBoundaryParameters, BadOnesAreRefused) {
  auto catalog = denoising_only({8});
  for (const PolicyParameters& bad : {PolicyParameters{{"mode", "stop"}},
                                      {{"top_k", "0"}},
                                      {{"force_s", "0"}},
                                      {{"memory", "-1"}}})
    EXPECT_THROW(run(catalog, {}, "step-preempt", bad), ConfigError) << bad.begin()->first;
  EXPECT_THROW(run(catalog, {}, "primal-dual", {{"ewma", "2"}}), ConfigError);
}

TEST(CleanEdf, WhoIsInTimeComesBeforeWhoIsLateAnyway) {
  auto catalog = denoising_only({1});
  // Both alone take 0.4 s; the first is lost on arrival, though its deadline is the earlier one.
  const auto times = finished_by_request(run(catalog,
                                             {of_class(request(catalog, 0, 100, 4, 0.1), kS),
                                              of_class(request(catalog, 0, 100, 4, 0.6), kS)},
                                             "clean-edf")
                                             .output);
  EXPECT_LT(times[1], 600);
  EXPECT_GT(times[0], times[1]);
}

TEST(StepPreempt, DemoteGoesOnNarrowly) {
  auto catalog = denoising_only({8});
  const StepRun r = run(catalog, long_and_short(catalog), "step-preempt", {{"mode", "demote"}});
  const double s_ends = finished_by_request(r.output)[1];
  for (const auto& step : r.l) {
    if (step.at_ms > 1000 && step.at_ms < s_ends) {
      EXPECT_LE(step.gpus, 2u) << "at " << step.at_ms;
    }
  }
  EXPECT_EQ(r.l.back().gpus, 8u);
}

TEST(StepPreempt, WhoIsLateComesBeforeWhoIsNot) {
  auto catalog = denoising_only({1});
  const auto times = finished_by_request(run(catalog,
                                             {of_class(request(catalog, 0, 100, 4, 0.1), kS),
                                              of_class(request(catalog, 0, 100, 4, 0.6), kS)},
                                             "step-preempt")
                                             .output);
  EXPECT_LT(times[0], times[1]) << "the published score rises with lateness";
}

TEST(PrimalDual, ALoneRequestTakesTheWholeNode) {
  auto catalog = denoising_only({8});
  const StepRun r = run(catalog, {of_class(request(catalog, 0, 800, 4, 100), kL)}, "primal-dual");
  ASSERT_EQ(r.l.size(), 4u);
  for (const auto& step : r.l) EXPECT_EQ(step.gpus, 8u);
}

TEST(PrimalDual, NoGpuIdlesWhileSomebodyWaits) {
  auto catalog = denoising_only({8});
  std::vector<Request> requests;
  for (int i = 0; i < 12; ++i) requests.push_back(of_class(request(catalog, 0, 80, 50, 2), kS));
  const auto times = finished_by_request(run(catalog, requests, "primal-dual").output);
  // Work of 12 x 4 s; steps scale perfectly here, so any packing without gaps takes as long.
  double last = 0;
  for (const double t : times) last = std::max(last, t);
  EXPECT_LT(last, 1.15 * 12 * 4000 / 8);
}

TEST(PrimalDual, TheLateClassIsServedFirstOnceItsPriceHasRisen) {
  auto catalog = denoising_only({1});
  // Of equal length and deadline order; only the price of class S rises, which is late already.
  std::vector<Request> requests;
  for (int i = 0; i < 3; ++i) requests.push_back(of_class(request(catalog, 0, 100, 10, 1.2), kS));
  requests.push_back(of_class(request(catalog, 0, 100, 10, 50), kL));
  const auto times = finished_by_request(run(catalog, requests, "primal-dual").output);
  EXPECT_GT(times[3], *std::max_element(times.begin(), times.begin() + 3));
}

TEST(PrimalDual, UsesEveryNode) {
  auto catalog = denoising_only({8, 8});
  const auto times = finished_by_request(run(catalog,
                                             {of_class(request(catalog, 0, 800, 10, 100), kL),
                                              of_class(request(catalog, 0, 800, 10, 100), kL)},
                                             "primal-dual")
                                             .output);
  EXPECT_NEAR(times[0], 1000, 1);
  EXPECT_NEAR(times[1], 1000, 1);
}

}  // namespace
}  // namespace regroup
