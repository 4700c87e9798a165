#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "core/random.hpp"
#include "tests/tools/bound_fixture.hpp"
#include "tools/bound/attainment_bound.hpp"
#include "tools/bound/stage_work.hpp"
#include "traces/generate.hpp"

namespace regroup::tools {
namespace {

using testing::best_attained;
using testing::kSlot;
using testing::only_denoise;
using testing::request;
using testing::slot;
using testing::SlotCatalog;
using testing::SlotCosts;

std::int64_t at_most(const SlotCatalog& catalog, const std::vector<Request>& requests,
                     const BoundOptions& options = {}) {
  return attainment_bound(requests, catalog, options).attained();
}

struct World {
  int gpus = 1;
  std::vector<SlotCosts> shapes;
  std::vector<Request> requests;
  StageGraph graph = StageGraph::chain();

  SlotCatalog catalog() const { return {gpus, shapes, graph}; }
};

// Up to 3 GPUs and 5 requests, of up to two shapes whose speed-up is anything at all.
World random_world(std::uint64_t seed) {
  RandomStream random(seed, "world");
  const auto between = [&](int low, int high) {
    return low + static_cast<int>(random.below(static_cast<std::uint64_t>(high - low + 1)));
  };
  World world;
  world.gpus = between(1, 3);
  if (between(0, 1) == 0) world.graph = only_denoise();
  for (int shape = between(1, 2); shape > 0; --shape) {
    SlotCosts costs{.encode = between(1, 2), .step = {between(1, 4)}, .decode = 1};
    for (int degree = 2; degree <= world.gpus; ++degree) costs.step.push_back(between(0, 3));
    costs.free_batches = random.below(4) == 0;
    world.shapes.push_back(costs);
  }
  const int requests = between(2, world.gpus == 3 ? 4 : 5);
  for (int i = 0; i < requests; ++i) {
    const int arrival = between(0, 4);
    const auto shape = static_cast<std::uint32_t>(random.below(world.shapes.size()));
    world.requests.push_back(request(static_cast<std::uint64_t>(i), shape, arrival,
                                     arrival + between(1, 7), between(1, 2)));
  }
  return world;
}

TEST(Bound, NoScheduleBeatsIt) {
  int tight = 0;
  constexpr int kWorlds = 1000;
  for (int seed = 0; seed < kWorlds; ++seed) {
    const World world = random_world(static_cast<std::uint64_t>(seed));
    const SlotCatalog catalog = world.catalog();
    const int best = best_attained(catalog, world.requests);
    ASSERT_GE(at_most(catalog, world.requests), best) << "world " << seed;
    tight += at_most(catalog, world.requests) == best;
  }
  // Not a promise of the bound: a guard against one that is true because it is weak.
  EXPECT_GT(tight, kWorlds * 9 / 10);
}

TEST(Bound, IsMetWhereWorkFillsTheWindows) {
  // Three slots each on one GPU: of four, as many as there is time for.
  const std::vector<SlotCosts> plain = {{.encode = 1, .step = {1}, .decode = 1}};
  std::vector<Request> four;
  for (std::uint64_t i = 0; i < 4; ++i) four.push_back(request(i, 0, 0, 6));
  EXPECT_EQ(at_most({1, plain}, four), 2);
  EXPECT_EQ(best_attained({1, plain}, four), 2);
  EXPECT_EQ(at_most({2, plain}, four), 4);
  EXPECT_EQ(best_attained({2, plain}, four), 4);
}

TEST(Bound, KnowsThatATightDeadlineMakesWorkDear) {
  // 4 slots on one GPU or 3 on two: in 3 slots one request needs 6 GPU slots, and both GPUs.
  const std::vector<SlotCosts> costs = {{.step = {4, 3}}};
  const SlotCatalog catalog(2, costs, only_denoise());
  EXPECT_EQ(at_most(catalog, {request(0, 0, 0, 3), request(1, 0, 0, 3)}), 1);
  EXPECT_EQ(at_most(catalog, {request(0, 0, 0, 4), request(1, 0, 0, 4)}), 2);
}

TEST(Bound, KnowsWhichRequestsAreLateEvenAlone) {
  const SlotCatalog catalog(2, {{.encode = 1, .step = {4, 2}, .decode = 1}});
  const auto bound = attainment_bound(
      std::vector{request(0, 0, 0, 9, 2), request(1, 0, 20, 25, 2), request(2, 0, 40, 46, 2)},
      catalog);
  EXPECT_EQ(bound.too_late_alone, 1);
  EXPECT_EQ(bound.attained(), 2);
  EXPECT_EQ(bound.violations(), 1);
  EXPECT_TRUE(bound.competing.all);
}

TEST(Bound, CountsRequestsWithoutADeadlineAsAttained) {
  const SlotCatalog catalog(1, {{.step = {4}}});
  std::vector<Request> requests = {request(0, 0, 0, 6), request(1, 0, 0, 6)};
  requests.push_back(request(2, 0, 0, 1));
  requests.back().deadline = kNever;
  const auto bound = attainment_bound(requests, catalog);
  EXPECT_EQ(bound.requests, 3);
  EXPECT_EQ(bound.with_deadline, 2);
  EXPECT_EQ(bound.attained(), 2);
  EXPECT_EQ(attainment_bound({}, catalog).attained(), 0);
  EXPECT_EQ(attainment_bound({}, catalog).attainment(), 1);
}

TEST(Bound, RecognisesStagesThatRunBesideOneAnother) {
  const StageGraph two_encoders(
      {{"clip", StageKind::kEncode}, {"t5", StageKind::kEncode}, {"denoise", StageKind::kDenoise}},
      std::vector<StageGraph::Edge>{{"clip", "denoise"}, {"t5", "denoise"}});
  const SlotCatalog catalog(2, {{.encode = 2, .step = {3}}}, two_encoders);
  EXPECT_EQ(at_most(catalog, {request(0, 0, 0, 5)}), 1);
  EXPECT_EQ(at_most(catalog, {request(0, 0, 0, 4)}), 0);
  EXPECT_EQ(at_most(catalog, {request(0, 0, 0, 5), request(1, 0, 0, 5)}), 1);
}

TEST(Bound, ReckonsWithBatchesUnlessToldNot) {
  const SlotCatalog catalog(1, {{.step = {4}, .free_batches = true}}, only_denoise());
  const std::vector<Request> three = {request(0, 0, 0, 4), request(1, 0, 0, 4),
                                      request(2, 0, 0, 4)};
  EXPECT_EQ(best_attained(catalog, three), 3);
  EXPECT_EQ(at_most(catalog, three), 3);
  EXPECT_EQ(at_most(catalog, three, {.max_batch = 2}), 2);
  EXPECT_EQ(at_most(catalog, three, {.max_batch = 1}), 1);
}

TEST(Bound, ReckonsWithGpusThatFail) {
  const SlotCatalog catalog(2, {{.step = {4}}}, only_denoise());
  const std::vector<Request> requests = {request(0, 0, 0, 4), request(1, 0, 0, 4),
                                         request(2, 0, 4, 8), request(3, 0, 4, 8)};
  EXPECT_EQ(at_most(catalog, requests), 4);
  EXPECT_EQ(at_most(catalog, requests, {.failures = {{.gpu = {1}, .at = slot(1)}}}), 2);
  EXPECT_EQ(
      at_most(catalog, requests, {.failures = {{.gpu = {1}, .at = slot(1), .repaired = slot(4)}}}),
      3);
}

// What must not change the bound, and what must not change it the wrong way.
TEST(Bound, MovesAsItMust) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    const World world = random_world(seed);
    const std::int64_t bound = at_most(world.catalog(), world.requests);

    World slower = world;  // everything takes three times as long, and has three times the time
    for (SlotCosts& costs : slower.shapes) {
      costs.encode *= 3;
      costs.decode *= 3;
      for (int& step : costs.step) step *= 3;
    }
    World later = world, relaxed = world, reversed = world, fewer = world;
    for (std::size_t i = 0; i < world.requests.size(); ++i) {
      const Request& r = world.requests[i];
      slower.requests[i].arrival = TimePoint(3 * r.arrival.time_since_epoch());
      slower.requests[i].deadline = TimePoint(3 * r.deadline.time_since_epoch());
      later.requests[i].arrival += 1000 * kSlot;
      later.requests[i].deadline += 1000 * kSlot;
      relaxed.requests[i].deadline += kSlot;
    }
    std::ranges::reverse(reversed.requests);
    fewer.requests.pop_back();
    World more_gpus = world;
    ++more_gpus.gpus;

    EXPECT_EQ(at_most(slower.catalog(), slower.requests), bound);
    EXPECT_EQ(at_most(later.catalog(), later.requests), bound);
    EXPECT_EQ(at_most(reversed.catalog(), reversed.requests), bound);
    EXPECT_GE(at_most(relaxed.catalog(), relaxed.requests), bound);
    EXPECT_GE(at_most(more_gpus.catalog(), more_gpus.requests), bound);
    const std::int64_t without = at_most(fewer.catalog(), fewer.requests);
    EXPECT_LE(without, bound);
    EXPECT_GE(without + 1, bound);
  }
}

TEST(StageWork, KeepsTheLowerHullOfItsModes) {
  using std::chrono::seconds;
  // 8 s on 1 GPU, 5 s on 2 (cheaper than halfway between its neighbours), 4.5 s on 3 (dearer), 4 s
  // on 4, 6 s on 4 (worse in both).
  const StageWork work({{seconds(8), seconds(8)},
                        {seconds(5), seconds(10)},
                        {std::chrono::milliseconds(4500), std::chrono::milliseconds(13500)},
                        {seconds(4), seconds(16)},
                        {seconds(6), seconds(24)}});
  const auto least_s = [&](double window_s) {
    return to_seconds(work.least_gpu_time(from_seconds(window_s)));
  };
  EXPECT_EQ(work.fastest(), seconds(4));
  EXPECT_EQ(work.most_gpus(), 4);
  EXPECT_NEAR(least_s(4), 16, 1e-8);
  EXPECT_NEAR(least_s(4.5), 13, 1e-8);
  EXPECT_NEAR(least_s(5), 10, 1e-8);
  EXPECT_NEAR(least_s(6.5), 9, 1e-8);
  EXPECT_DOUBLE_EQ(least_s(8), 8);
  EXPECT_DOUBLE_EQ(least_s(100), 8);
  EXPECT_FALSE(StageWork({}).possible());
}

void expect_below_the_bound(const Experiment& e) {
  const AttainmentBound bound = attainment_bound(e);
  const Summary summary = run(e).summary;
  EXPECT_EQ(bound.requests, summary.requests);
  EXPECT_LE(summary.requests - summary.slo_violations, bound.attained())
      << e.policy << " on " << e.trace << ", " << e.slo << ", at " << e.rate_scale;
}

Experiment sample(const std::string& trace, const std::string& slo, double rate_scale,
                  const std::string& policy) {
  Experiment e;
  e.trace = RG_SOURCE_DIR "/traces/samples/" + trace;
  e.slo = slo;
  e.rate_scale = rate_scale;
  e.policy = policy;
  return e;
}

TEST(Bound, HoldsOfRealRuns) {
  for (const double rate : {0.5, 1.0, 1.5, 2.5}) {
    for (const char* policy : {"elastic", "fcfs", "srtf"}) {
      expect_below_the_bound(sample("flux_mixed_8gpu.csv", "alpha=1.5", rate, policy));
      expect_below_the_bound(sample("flux_mixed_8gpu.csv", "tetriserve", rate, policy));
      expect_below_the_bound(sample("wan_short_8gpu.csv", "class:S=2.0,M=2.5,L=3.5", rate, policy));
    }
  }
}

TEST(Bound, HoldsOfRunsWithJitterAndFailures) {
  Experiment jittery = sample("flux_mixed_8gpu.csv", "alpha=1.5", 2, "elastic");
  jittery.jitter = 0.1;
  expect_below_the_bound(jittery);
  Experiment failing = sample("flux_mixed_8gpu.csv", "alpha=1.5", 1.5, "elastic");
  failing.failures = {parse_failure("2@100"), parse_failure("5@50:300")};
  expect_below_the_bound(failing);
}

TEST(Bound, HoldsUnderTheSemanticsOfGfDit) {
  const std::filesystem::path reference = RG_SHARED_DIR "/reference/gfdit";
  if (!std::filesystem::exists(reference)) GTEST_SKIP() << reference << ": not there";
  for (const char* workload : {"wl8_short_tl1.0_s42", "wl8_inflight_burst_s0"}) {
    for (const double rate : {1.0, 2.0, 4.0}) {
      for (const char* policy : {"edf-best-fit", "srtf", "elastic"}) {
        Experiment e;
        e.trace = (reference / workload / "workload.json").string();
        e.cluster = "gfdit:8";
        e.platform.calibrations = {reference / "cost_synth"};
        e.platform.semantics = "gfdit";
        e.rate_scale = rate;
        e.policy = policy;
        expect_below_the_bound(e);
      }
    }
  }
}

TEST(Bound, TakesTracesOfSeveralModels) {
  traces::ArrivalOptions options;
  options.mix = traces::parse_mix("FLUX.1-dev:1024x1024:20,Wan2.1-1.3B:480x832x49:10:0.5");
  options.per_minute = 120;
  options.count = 60;
  Experiment e;
  e.workload = [options] { return traces::generate(options); };
  e.policy = "elastic";
  for (const char* slo : {"alpha=1.2", "none"}) {
    e.slo = slo;
    const AttainmentBound bound = attainment_bound(e);
    const Summary summary = run(e).summary;
    EXPECT_EQ(bound.requests, 60);
    EXPECT_LE(summary.requests - summary.slo_violations, bound.attained());
    EXPECT_EQ(bound.with_deadline, slo == std::string("none") ? 0 : 60);
  }
}

}  // namespace
}  // namespace regroup::tools
