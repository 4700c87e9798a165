// What a report says of a run, against numbers worked out by hand.
#include <cmath>

#include "core/errors.hpp"
#include "report_fixture.hpp"
#include "tools/report/request_story.hpp"
#include "tools/report/run_facts.hpp"
#include "tools/report/series.hpp"

namespace regroup::tools {
namespace {

TEST_F(ReportTest, RequestsAreByArrivalWithTheTimesAtWhichTheyLeft) {
  const RunFacts facts = read_run(folder_);
  ASSERT_EQ(facts.requests().size(), 4U);
  EXPECT_EQ(facts.name, "fcfs degree=1");
  EXPECT_EQ(facts.requests()[0].id, "a");
  EXPECT_EQ(facts.requests()[3].id, "d");
  EXPECT_EQ(facts.classes, (std::vector<std::string>{"L", "S"}));
  std::vector<double> gone;
  for (const TimePoint each : facts.gone) gone.push_back(to_seconds(each));
  EXPECT_EQ(gone, (std::vector<double>{6, 5, 2.5, 8})) << "c was rejected, d is there to the end";
  EXPECT_EQ(facts.gpus, 2);
}

TEST_F(ReportTest, TheJournalAddsDecisionsAndFailures) {
  const RunFacts facts = read_run(folder_);
  ASSERT_EQ(facts.placements.size(), 4U);
  EXPECT_EQ(facts.placements[0].mark.decision, 1U);
  EXPECT_EQ(facts.placements[0].mark.steps, 5);
  EXPECT_EQ(to_seconds(facts.placements[0].mark.preempted), 1.0);
  EXPECT_EQ(facts.placements[1].mark.decision, 4U);
  EXPECT_EQ(facts.placements[1].mark.preempted, kNever);
  EXPECT_EQ(facts.journal->decisions, 7U);
  const std::vector<FailureMark>& failures = facts.journal->failures;
  ASSERT_EQ(failures.size(), 2U);
  EXPECT_EQ(to_seconds(failures[0].to), 9.0);
  EXPECT_EQ(failures[1].to, kNever);
}

TEST_F(ReportTest, WithoutScheduleOrJournalItSaysSo) {
  std::filesystem::remove(folder_ / "tasks.csv");
  std::filesystem::remove(folder_ / "journal");
  const RunFacts facts = read_run(folder_);
  EXPECT_TRUE(facts.placements.empty());
  EXPECT_EQ(facts.notes.size(), 2U);
  write("journal", "d soon place\n");
  EXPECT_THROW(read_run(folder_), ConfigError);
}

TEST_F(ReportTest, TheQueueAndTheGpusOverTime) {
  const Series series = series_of(read_run(folder_), 8);  // a second each
  EXPECT_EQ(series.step_s, 1.0);
  // b waits from 1 to 3, c from 2 to 2.5, a from 3 to 5, d from 5 to 6.
  EXPECT_EQ(series.waiting, (std::vector<double>{0, 1, 1.5, 1, 1, 1, 0, 0}));
  EXPECT_EQ(series.most_waiting, (std::vector<double>{0, 1, 2, 1, 1, 1, 0, 0}));
  EXPECT_EQ(series.utilisation, (std::vector<double>{0.5, 0.5, 0.5, 1, 1, 0.5, 0.5, 0.5}));
}

TEST_F(ReportTest, TheTimeOfARequestIsToldWhole) {
  const std::vector<RequestStory> stories = stories_of(read_run(folder_), nullptr);
  const RequestStory& a = stories[0];
  EXPECT_DOUBLE_EQ(a.latency_s, 6);
  EXPECT_DOUBLE_EQ(a.waiting_s, 2);
  EXPECT_DOUBLE_EQ(a.moving_s, 0.25);
  EXPECT_DOUBLE_EQ(a.running_s, 3.75);
  EXPECT_EQ(a.moves, 1);
  EXPECT_EQ(a.preemptions, 1);
  const RequestStory& d = stories[3];
  EXPECT_DOUBLE_EQ(d.lost_s, 2);
  EXPECT_DOUBLE_EQ(d.running_s, 0);
  EXPECT_EQ(stories[1].narrowest, 2);
  for (const RequestStory& each : stories)
    EXPECT_DOUBLE_EQ(each.waiting_s + each.moving_s + each.lost_s + each.running_s, each.latency_s);
}

TEST_F(ReportTest, TheReasonIsWhatWeighsMost) {
  const std::vector<RequestStory> stories = stories_of(read_run(folder_), nullptr);
  EXPECT_EQ(stories[1].reason, Reason::kWaited);  // 2 s of 4 s
  EXPECT_EQ(stories[2].reason, Reason::kRejected);
  EXPECT_EQ(stories[3].reason, Reason::kLost);  // 2 s of 3 s
  EXPECT_EQ(worst_of(stories, 3), (std::vector<std::size_t>{1, 3, 0}))
      << "b and d are late by a second, and b took longer; a is in time; c went before its "
         "deadline";
}

TEST(BatchMean, OfFewValuesHasNoInterval) {
  const Share share = batch_share(std::vector<double>(199, 1.0));
  EXPECT_EQ(share.mean, 1);
  EXPECT_FALSE(share.interval);
}

TEST(BatchMean, OfEqualValuesKeepsTheRuleOfThree) {
  const Share all = batch_share(std::vector<double>(300, 1.0));
  EXPECT_DOUBLE_EQ(all.interval->first, 0.99);
  EXPECT_EQ(all.interval->second, 1);
  EXPECT_DOUBLE_EQ(batch_share(std::vector<double>(300, 0.0)).interval->second, 0.01);
}

// Neighbours alike: the interval must be wider than if they were independent.
TEST(BatchMean, KnowsThatNeighboursAreAlike) {
  std::vector<double> alike, mixed;
  for (int i = 0; i < 400; ++i) {
    alike.push_back(i / 20 % 2);
    mixed.push_back(i % 2);
  }
  EXPECT_DOUBLE_EQ(batch_mean(alike).mean, 0.5);
  EXPECT_GT(batch_mean(alike).half_width, 0.2);
  EXPECT_LT(batch_mean(mixed).half_width, 0.01);
}

}  // namespace
}  // namespace regroup::tools
