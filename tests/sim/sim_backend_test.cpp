#include "sim/sim_backend.hpp"

#include <gtest/gtest.h>

#include "core/errors.hpp"
#include "tests/support/test_catalog.hpp"

namespace regroup::sim {
namespace {

using namespace std::chrono_literals;
using testing::TestCatalog;

Task denoise(TestCatalog& catalog, std::uint64_t request, int width_ms = 10, int steps = 10) {
  return {.id = {request},
          .request = {request},
          .shape_id = catalog.intern({}, {width_ms, width_ms, 1}, 1),
          .stage = 1,
          .steps_total = steps};
}

void launch(const TestCatalog& catalog, SimBackend& backend, const Task& task, std::uint64_t run,
            Group group, int steps) {
  const Task* const tasks[] = {&task};
  const Layout layout{.ulysses = static_cast<std::uint8_t>(group.size())};
  const CostModel& cost = catalog.cost();
  backend.launch({.run = {run},
                  .slot = static_cast<std::uint32_t>(run),
                  .tasks = tasks,
                  .group = group,
                  .layout = layout,
                  .steps = steps,
                  .expected = {.dispatch = cost.dispatch(),
                               .setup = cost.setup(group),
                               .migrate = cost.migrate(task, group)},
                  .step = cost.predict(task, layout, 1)});
}

TEST(SimBackend, RunsEndAfterOverheadsAndSteps) {
  TestCatalog catalog({2});
  catalog.dispatch_time = 1ms;
  catalog.setup_time = 2ms;
  SimBackend backend(catalog, {});
  launch(catalog, backend, denoise(catalog, 0), 0, {{0}, {1}}, 10);
  const auto event = backend.next_event(kNever);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->at, TimePoint(53ms));
  EXPECT_EQ(event->steps, 10);
  EXPECT_EQ(event->times,
            (RunTimes{.dispatch = 1ms, .setup = 2ms, .migrate = {}, .compute = 50ms}));
  EXPECT_FALSE(backend.next_event(kNever));
}

TEST(SimBackend, EqualTimesLeaveInLaunchOrder) {
  TestCatalog catalog({3});
  SimBackend backend(catalog, {});
  const Task task = denoise(catalog, 0);
  for (const std::uint32_t i : {2u, 0u, 1u}) launch(catalog, backend, task, i, {{i}}, 1);
  EXPECT_EQ(backend.next_event(kNever)->run, RunId{2});
  EXPECT_EQ(backend.next_event(kNever)->run, RunId{0});
  EXPECT_EQ(backend.next_event(kNever)->run, RunId{1});
}

TEST(SimBackend, SaysWhichRunWillProbablyEndNext) {
  TestCatalog catalog({3});
  SimBackend backend(catalog, {});
  const Task task = denoise(catalog, 0);
  launch(catalog, backend, task, 0, {{0}}, 2);
  launch(catalog, backend, task, 1, {{1}}, 1);
  launch(catalog, backend, task, 2, {{2}}, 3);
  for (const auto& [slot, next] : {std::pair{1u, 0u}, {0u, 2u}, {2u, Event::kNoSlot}}) {
    const auto event = backend.next_event(kNever);
    EXPECT_EQ(event->slot, slot);
    EXPECT_EQ(event->next_slot, next);
  }
}

TEST(SimBackend, StopsAtTheInstantItWasGiven) {
  TestCatalog catalog({2});
  SimBackend backend(catalog, {});
  launch(catalog, backend, denoise(catalog, 0), 0, {{0}}, 1);
  EXPECT_FALSE(backend.next_event(TimePoint(4ms)));
  launch(catalog, backend, denoise(catalog, 1), 1, {{1}}, 1);  // which begins at 4 ms
  EXPECT_EQ(backend.next_event(kNever)->at, TimePoint(10ms));
  EXPECT_EQ(backend.next_event(kNever)->at, TimePoint(14ms));
}

TEST(SimBackend, PreemptEndsAtTheNextBoundaryButNotBeforeOneStep) {
  TestCatalog catalog({1});
  for (const auto& [at, steps] : std::vector<std::pair<Duration, int>>{
           {0ms, 1}, {9ms, 1}, {10ms, 1}, {11ms, 2}, {95ms, 10}}) {
    SimBackend backend(catalog, {});
    launch(catalog, backend, denoise(catalog, 0), 0, {{0}}, 10);
    EXPECT_FALSE(backend.next_event(TimePoint(at)));
    backend.preempt({0}, {{0}});
    backend.preempt({0}, {{0}});  // changes nothing
    const auto event = backend.next_event(kNever);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->steps, steps);
    EXPECT_EQ(event->at, TimePoint(steps * 10ms));
    EXPECT_FALSE(backend.next_event(kNever));
  }
}

TEST(SimBackend, JitterIsTheSameHoweverTheStepsAreCut) {
  TestCatalog catalog({1});
  const SimOptions options{.jitter = {.spread = 0.05, .seed = 3}};
  Task task = denoise(catalog, 7);
  SimBackend whole(catalog, options);
  launch(catalog, whole, task, 0, {{0}}, 10);
  const TimePoint end = whole.next_event(kNever)->at;
  SimBackend cut(catalog, options);
  TimePoint cut_end{};
  for (int done = 0; done < 10; done += 2) {
    task.steps_done = done;
    launch(catalog, cut, task, static_cast<std::uint64_t>(done), {{0}}, 2);
    cut_end = cut.next_event(kNever).value().at;
  }
  EXPECT_EQ(cut_end, end);
  EXPECT_NE(end, TimePoint(100ms));
}

TEST(SimBackend, JitterHasTheAskedForSpread) {
  TestCatalog catalog({1});
  double sum = 0, squares = 0;
  constexpr int kRuns = 4000;
  for (std::uint64_t i = 0; i < kRuns; ++i) {
    SimBackend backend(catalog, {.jitter = {.spread = 0.05, .seed = 1}});
    launch(catalog, backend, denoise(catalog, i, 1000), 0, {{0}}, 1);
    const double t = to_seconds(backend.next_event(kNever)->at);
    sum += t;
    squares += t * t;
  }
  const double mean = sum / kRuns;
  EXPECT_NEAR(mean, 1, 0.003);
  EXPECT_NEAR(std::sqrt(squares / kRuns - mean * mean), 0.05, 0.003);
}

TEST(SimBackend, AGpuThatFailsTakesItsRunWithIt) {
  TestCatalog catalog({2});
  SimBackend backend(
      catalog, {.failures = {{.gpu = {1}, .at = TimePoint(25ms), .repaired = TimePoint(40ms)}}});
  launch(catalog, backend, denoise(catalog, 0, 20), 0, {{0}, {1}}, 10);
  const auto failed = backend.next_event(kNever);
  EXPECT_EQ(failed->kind, Event::Kind::kRunFailed);
  EXPECT_EQ(failed->steps, 2);
  EXPECT_EQ(failed->times.total(), 25ms);
  EXPECT_EQ(backend.next_event(kNever)->kind, Event::Kind::kGpuFailed);
  const auto repaired = backend.next_event(kNever);
  EXPECT_EQ(repaired->kind, Event::Kind::kGpuRepaired);
  EXPECT_EQ(repaired->at, TimePoint(40ms));
}

TEST(SimBackend, RefusesOptionsThatMakeNoSense) {
  TestCatalog catalog({1});
  EXPECT_THROW(SimBackend(catalog, {.jitter = {.spread = -0.1}}), ConfigError);
  EXPECT_THROW(SimBackend(catalog, {.jitter = {.spread = 0.5}}), ConfigError);
  EXPECT_THROW(SimBackend(catalog, {.failures = {{.gpu = {1}}}}), ConfigError);
}

}  // namespace
}  // namespace regroup::sim
