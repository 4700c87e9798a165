// Migrations that occupy the GPUs they come from, and who comes when.
#include "sim/turns.hpp"

#include <gtest/gtest.h>

#include "sim/sim_backend.hpp"
#include "tests/support/test_catalog.hpp"

namespace regroup::sim {
namespace {

using namespace std::chrono_literals;
using testing::TestCatalog;

TEST(Turns, WhoeverFindsItsGpusFreeInTheOrderOfAsking) {
  Turns turns(4);
  turns.ask(0, Group{{0}, {1}});
  EXPECT_EQ(turns.next(), 0u);
  turns.ask(1, Group{{1}, {2}});
  turns.ask(2, Group{{2}, {3}});
  turns.ask(3, Group{{3}});
  EXPECT_EQ(turns.next(), 2u);  // nothing is kept free for 1
  EXPECT_EQ(turns.next(), std::nullopt);
  turns.leave(2);
  turns.leave(0);
  EXPECT_EQ(turns.next(), 1u);
  EXPECT_EQ(turns.next(), 3u);
  EXPECT_EQ(turns.next(), std::nullopt);
}

TEST(Turns, LeavingTheLineAndLeavingTwice) {
  Turns turns(1);
  turns.ask(0, Group{{0}});
  turns.ask(1, Group{{0}});
  turns.ask(2, Group{{0}});
  EXPECT_EQ(turns.next(), 0u);
  turns.leave(1);
  turns.leave(0);
  turns.leave(0);
  EXPECT_EQ(turns.next(), 2u);
}

class SourcesTakePart : public ::testing::Test {
 protected:
  SourcesTakePart() {
    catalog_.rules = {.sources_take_part = true, .queue_ahead = 1ms};
    backend_ = std::make_unique<SimBackend>(catalog_, SimOptions{});
  }

  // Ten steps of 10 ms over the group's size, after 3 ms of migration from `state`, if any.
  void launch(std::uint64_t run, Group group, Group state = {}, int steps = 10) {
    const Task task{.id = {run},
                    .request = {run},
                    .shape_id = catalog_.intern({}, {10, 10, 1}, 1),
                    .stage = 1,
                    .steps_total = 10,
                    .group = state};
    const Task* const tasks[] = {&task};
    const Layout layout{.ulysses = static_cast<std::uint8_t>(group.size())};
    backend_->launch({.run = {run},
                      .slot = static_cast<std::uint32_t>(run),
                      .tasks = tasks,
                      .group = group,
                      .layout = layout,
                      .steps = steps,
                      .expected = {.dispatch = 2ms, .migrate = state.empty() ? 0ms : 3ms},
                      .step = catalog_.predict(task, layout, 1, 1)});
  }
  Event next() { return *backend_->next_event(kNever); }
  void pass_until(Duration t) { EXPECT_FALSE(backend_->next_event(TimePoint(t))); }

  TestCatalog catalog_{{4}};
  std::unique_ptr<SimBackend> backend_;
};

TEST_F(SourcesTakePart, MigrationAndStepsEachHaveTheirDispatch) {
  launch(0, {{0}}, {{1}});
  const Event end = next();
  EXPECT_EQ(end.at, TimePoint(2ms + 3ms + 2ms + 100ms));
  EXPECT_EQ(end.times, (RunTimes{.dispatch = 4ms, .setup = {}, .migrate = 3ms, .compute = 100ms}));
}

TEST_F(SourcesTakePart, AMigrationComesBetweenTwoStepsOfItsSource) {
  launch(0, {{1}});         // its first step: 2 to 12 ms
  launch(1, {{0}}, {{1}});  // waits for GPU 1
  // Its turn comes at 11 ms, so that all but 1 ms of its dispatch is over when the step ends.
  const Event first = next();
  EXPECT_EQ(first.run, RunId{0});
  EXPECT_EQ(first.at, TimePoint(13ms + 3ms + 90ms));  // nine steps after the migration
  EXPECT_EQ(first.steps, 10);
  const Event last = next();
  EXPECT_EQ(last.run, RunId{1});
  EXPECT_EQ(last.at, TimePoint(13ms + 3ms + 2ms + 100ms));
  EXPECT_EQ(last.times.total(), last.at - TimePoint{});
  EXPECT_EQ(last.times.migrate, 3ms);
}

TEST_F(SourcesTakePart, WhoAskedFirstComesFirstWhenBothCould) {
  launch(0, {{1}}, {}, 1);  // 2 to 12 ms
  launch(1, {{2}}, {}, 1);  // likewise
  launch(2, {{0}}, {{1}, {2}});
  EXPECT_EQ(next().at, TimePoint(12ms));
  EXPECT_EQ(next().at, TimePoint(12ms));
  pass_until(12ms);
  launch(3, {{1}});  // its GPU takes part in the migration of run 2, whose turn came at 11 ms
  const Event other = next();
  EXPECT_EQ(other.run, RunId{3});
  EXPECT_EQ(other.at, TimePoint(13ms + 3ms - 1ms + 2ms + 100ms));
  EXPECT_EQ(next().at, TimePoint(13ms + 3ms + 2ms + 100ms));
}

TEST_F(SourcesTakePart, PreemptedWhileItWaitsItDoesOneStep) {
  launch(0, {{1}});
  launch(1, {{0}}, {{1}});
  pass_until(5ms);
  backend_->preempt({1}, {{0}});
  const Event end = next();
  EXPECT_EQ(end.run, RunId{1});
  EXPECT_EQ(end.steps, 1);
  EXPECT_EQ(end.at, TimePoint(13ms + 3ms + 2ms + 10ms));
}

TEST_F(SourcesTakePart, AStepWhoseTurnHasComeIsDone) {
  launch(0, {{0}});
  pass_until(11ms);  // the second step, which begins at 12 ms, has its turn
  backend_->preempt({0}, {{0}});
  EXPECT_EQ(next().at, TimePoint(22ms));
  launch(1, {{0}});
  pass_until(30ms);  // well within its first step, which began at 24 ms
  backend_->preempt({1}, {{0}});
  EXPECT_EQ(next().at, TimePoint(34ms));
}

TEST_F(SourcesTakePart, AGpuThatFailsEndsARunThatWaits) {
  backend_ = std::make_unique<SimBackend>(
      catalog_, SimOptions{.failures = {{.gpu = {0}, .at = TimePoint(5ms)}}});
  launch(0, {{1}});
  launch(1, {{0}}, {{1}});
  const Event failed = next();
  EXPECT_EQ(failed.run, RunId{1});
  EXPECT_EQ(failed.kind, Event::Kind::kRunFailed);
  EXPECT_EQ(failed.steps, 0);
  EXPECT_EQ(failed.times.total(), 5ms);
  EXPECT_EQ(next().kind, Event::Kind::kGpuFailed);
  EXPECT_EQ(next().run, RunId{0});
}

}  // namespace
}  // namespace regroup::sim
