#include "core/metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/core/observer_script.hpp"

namespace regroup {
namespace {

using script::Script;
using script::us;

Summary play(Script& script, void (*run)(Script&)) {
  Metrics metrics(script.catalog.gpus().size(), script.classes);
  script.observers = {&metrics};
  run(script);
  script.observers.clear();
  return metrics.summary();
}

TEST(Percentile, IsLinearBetweenRanks) {
  EXPECT_TRUE(std::isnan(percentile({}, 0.5)));
  EXPECT_EQ(percentile({7}, 0.99), 7);
  EXPECT_EQ(percentile({1, 2}, 0.5), 1.5);
  EXPECT_EQ(percentile({1, 2, 3, 4, 5}, 0.25), 2);
  EXPECT_DOUBLE_EQ(percentile({10, 20, 40}, 0.9), 36);  // rank 1.8
  EXPECT_EQ(percentile({1, 2, 3}, 1), 3);
  EXPECT_EQ(percentile({1, 2, 3}, 0), 1);
}

TEST(Metrics, CountsRequestsOfTheStory) {
  Script script;
  const Summary summary = play(script, script::play_story);
  EXPECT_EQ(summary.requests, 4);
  EXPECT_EQ(summary.finished, 2);
  EXPECT_EQ(summary.rejected, 1);
  EXPECT_EQ(summary.unfinished, 1);
  EXPECT_EQ(summary.slo_violations, 3);  // late, rejected, unfinished
  EXPECT_EQ(summary.slo_violation_rate, 0.75);
  EXPECT_EQ(summary.latency_s.mean, 0.0195);  // 21 ms and 18 ms
  EXPECT_EQ(summary.latency_s.p50, 0.0195);
  EXPECT_DOUBLE_EQ(summary.latency_s.p90, 0.0207);
  EXPECT_EQ(summary.latency_s.max, 0.021);

  ASSERT_EQ(summary.classes.size(), 2u);
  EXPECT_EQ(summary.classes[0].name, "small");
  EXPECT_EQ(summary.classes[0].requests, 2);
  EXPECT_EQ(summary.classes[0].slo_violations, 1);
  EXPECT_EQ(summary.classes[0].unfinished, 1);
  EXPECT_EQ(summary.classes[0].latency_s.p99, 0.021);
  EXPECT_EQ(summary.classes[1].name, "large");
  EXPECT_EQ(summary.classes[1].slo_violations, 2);
  EXPECT_EQ(summary.classes[1].slo_violation_rate, 1);
  EXPECT_EQ(summary.classes[1].rejected, 1);
}

TEST(Metrics, AddsUpTimesOfTheStory) {
  Script script;
  const Summary summary = play(script, script::play_story);
  EXPECT_EQ(summary.makespan_s, 0.039);  // 1 ms to 40 ms
  EXPECT_DOUBLE_EQ(summary.throughput_rps, 2 / 0.039);
  EXPECT_DOUBLE_EQ(summary.goodput_rps, 1 / 0.039);
  EXPECT_EQ(summary.queueing_mean_s, 0.0015);  // 0 and 3 ms
  EXPECT_EQ(summary.encode_mean_s, 0.001);     // 2 ms and none
  EXPECT_EQ(summary.denoise_mean_s, 0.015);    // 7 + 8 and 15 ms
  EXPECT_EQ(summary.decode_mean_s, 0.001);
  EXPECT_EQ(summary.step_mean_s, 0.0052);  // 6 + 7 + 13 ms for 2 + 2 + 1 steps
  EXPECT_EQ(summary.gpu_seconds.compute, 0.0748);
  EXPECT_EQ(summary.gpu_seconds.setup, 0.0048);
  EXPECT_EQ(summary.gpu_seconds.migrate, 0.0019);
  EXPECT_EQ(summary.gpu_seconds.dispatch, 0.0045);
  EXPECT_EQ(summary.gpu_seconds.idle, 0.07);  // of 4 GPUs times 39 ms
  EXPECT_DOUBLE_EQ(summary.utilisation, 86.0 / 156);
}

TEST(Metrics, CountsWhatHappenedInTheStory) {
  Script script;
  const Summary summary = play(script, script::play_story);
  EXPECT_EQ(summary.runs, 5);
  EXPECT_EQ(summary.steps, 5);
  EXPECT_EQ(summary.group_setups, 2);
  EXPECT_EQ(summary.group_changes, 1);
  EXPECT_EQ(summary.migrations, 2);
  EXPECT_EQ(summary.migrated_bytes, 2000);
  EXPECT_EQ(summary.preemptions, 1);
}

TEST(Metrics, IsEmptyWithoutRequests) {
  Script script;
  const Summary summary = play(script, [](Script& s) { s.finish(); });
  EXPECT_EQ(summary.requests, 0);
  EXPECT_EQ(summary.slo_violation_rate, 0);
  EXPECT_TRUE(std::isnan(summary.latency_s.mean));
  EXPECT_EQ(summary.makespan_s, 0);
  EXPECT_EQ(summary.throughput_rps, 0);
  EXPECT_EQ(summary.utilisation, 0);
  EXPECT_TRUE(summary.classes.empty());
}

TEST(Metrics, CountsWhatHasNotEndedAsUnfinished) {
  Script script;
  const Summary summary = play(script, [](Script& s) { s.arrive("a", "small", 4); });
  EXPECT_EQ(summary.unfinished, 1);
  EXPECT_EQ(summary.slo_violations, 1);
}

TEST(Metrics, IsNoViolationToFinishAtTheDeadlineOrWithoutOne) {
  Script script;
  const Summary summary = play(script, [](Script& s) {
    for (const TimePoint deadline : {us(10), us(19), kNever}) {
      const RequestId id = s.arrive("a", "small", 1, deadline);
      s.end(s.launch({id}, 1, {{0}}, {}), 1, {.compute = 10});
      s.end_request(id);  // at 10, 20 and 30 us
    }
  });
  EXPECT_EQ(summary.slo_violations, 1);
}

TEST(Metrics, BatchCountsStepsOfEachRequestButTimeOnce) {
  Script script;
  const Summary summary = play(script, [](Script& s) {
    const std::vector<RequestId> both = {s.arrive("a", "x", 4), s.arrive("b", "x", 4)};
    s.end(s.launch(both, 1, {{0}}, {}), 4, {.compute = 8000});
    for (const RequestId id : both) s.end_request(id);
  });
  EXPECT_EQ(summary.steps, 8);
  EXPECT_EQ(summary.runs, 1);
  EXPECT_EQ(summary.step_mean_s, 0.002);
  EXPECT_EQ(summary.gpu_seconds.compute, 0.008);
}

TEST(Metrics, AddsUpInRandomRuns) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Script script;
    Metrics metrics(script.catalog.gpus().size(), script.classes);
    script.observers = {&metrics};
    script::play_random(script, seed, 100);
    const Summary s = metrics.summary();
    EXPECT_EQ(s.requests, 100);
    EXPECT_EQ(s.requests, s.finished + s.rejected + s.unfinished);
    EXPECT_GE(s.gpu_seconds.idle, 0);
    EXPECT_NEAR(s.gpu_seconds.compute + s.gpu_seconds.setup + s.gpu_seconds.migrate +
                    s.gpu_seconds.dispatch + s.gpu_seconds.idle,
                4 * s.makespan_s, 1e-9);
    EXPECT_LE(s.latency_s.p50, s.latency_s.p90);
    EXPECT_LE(s.latency_s.p99, s.latency_s.max);
    std::int64_t requests = 0, violations = 0;
    for (const ClassSummary& one : s.classes) {
      requests += one.requests;
      violations += one.slo_violations;
    }
    EXPECT_EQ(requests, s.requests);
    EXPECT_EQ(violations, s.slo_violations);
    EXPECT_NEAR(s.goodput_rps * s.makespan_s, static_cast<double>(s.requests - s.slo_violations),
                1e-6);
  }
}

}  // namespace
}  // namespace regroup
