// What elastic promises, each on a workload where it shows.
#include <gtest/gtest.h>

#include "tests/policies/lane_fixture.hpp"

namespace regroup {
namespace {

using testing::failing;
using testing::finished_by_request;
using testing::launches;
using testing::Lines;
using testing::PolicyParameters;
using testing::request;
using testing::run_policy;
using testing::RunOutput;
using testing::TestCatalog;

constexpr double kRest = 0.030;  // seconds of encode and decode

// Small requests, and large ones that need eight times as much; `load` times what the GPUs can do.
std::vector<Request> mixed(TestCatalog& catalog, int count, double load, std::uint64_t seed,
                           double slack_small = 2.0, double slack_large = 3.0,
                           double large_share = 0.25) {
  RandomStream random(seed, "arrivals");
  const double mean_work = 1.0 + 7.0 * large_share + kRest;
  std::vector<Request> requests;
  double now = 0;
  for (int i = 0; i < count; ++i) {
    now += -std::log(1 - random.uniform()) * mean_work / (8 * load);
    const bool large = random.uniform() < large_share;
    const double alone = (large ? 8.0 : 1.0) + kRest;
    requests.push_back(request(catalog, now, large ? 400 : 50, 20,
                               now + alone * (large ? slack_large : slack_small)));
  }
  return requests;
}

struct Measures {
  int violations = 0;
  double mean_latency_s = 0;
  double makespan_s = 0;
  double worst_slowdown = 0;
};

Measures measure(const RunOutput& output, const std::vector<Request>& requests) {
  Measures m;
  const std::vector<double> finished = finished_by_request(output);
  EXPECT_EQ(finished.size(), requests.size());
  for (std::size_t i = 0; i < finished.size(); ++i) {
    const double finish = finished[i] / 1000;
    const double latency = finish - to_seconds(requests[i].arrival);
    const double alone = requests[i].shape.width * 0.001 * requests[i].steps + kRest;
    m.violations += finish > to_seconds(requests[i].deadline);
    m.mean_latency_s += latency / static_cast<double>(finished.size());
    m.makespan_s = std::max(m.makespan_s, finish);
    m.worst_slowdown = std::max(m.worst_slowdown, latency / alone);
  }
  return m;
}

Measures measure(const char* objective, int count, double load) {
  Measures sum;
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    TestCatalog catalog({8});
    catalog.setup_time = std::chrono::milliseconds(20);
    catalog.migrate_time = std::chrono::milliseconds(20);
    const auto requests = mixed(catalog, count, load, seed);
    const Measures m =
        measure(run_policy(catalog, requests, "elastic", {{"objective", objective}}), requests);
    sum.violations += m.violations;
    sum.mean_latency_s += m.mean_latency_s;
    sum.makespan_s += m.makespan_s;
    sum.worst_slowdown = std::max(sum.worst_slowdown, m.worst_slowdown);
  }
  return sum;
}

TEST(Elastic, EveryObjectiveIsBestAtItsOwn) {
  const Measures violations = measure("violations", 300, 1.3);
  const Measures latency = measure("latency", 300, 1.3);
  const Measures throughput = measure("throughput", 300, 1.3);
  const Measures fairness = measure("fairness", 300, 1.3);
  for (const Measures& other : {latency, throughput, fairness})
    EXPECT_LT(violations.violations, other.violations);
  for (const Measures& other : {violations, throughput, fairness})
    EXPECT_LE(latency.mean_latency_s, other.mean_latency_s);
  for (const Measures& other : {violations, latency, fairness})
    EXPECT_LE(throughput.makespan_s, other.makespan_s);
}

// Few large ones among many small ones, for long more than the GPUs can do.
TEST(Elastic, FairnessKeepsTheWorstSlowdownSmall) {
  const auto worst = [](const char* objective) {
    TestCatalog catalog({8});
    const auto requests = mixed(catalog, 800, 1.15, 5, 2.0, 3.0, 0.03);
    return measure(run_policy(catalog, requests, "elastic", {{"objective", objective}}), requests)
        .worst_slowdown;
  };
  const double fairness = worst("fairness");
  for (const char* other : {"violations", "latency", "throughput"})
    EXPECT_LT(fairness, worst(other)) << other;
}

TEST(Elastic, RefusesWhatItDoesNotKnow) {
  TestCatalog catalog({1});
  for (const auto& [key, value] : PolicyParameters{{"objective", "beauty"},
                                                   {"reserve", "1"},
                                                   {"ageing", "0"},
                                                   {"starvation", "0"},
                                                   {"margin", "-1"},
                                                   {"patience", "1"}})
    EXPECT_ANY_THROW(run_policy(catalog, {request(catalog, 0)}, "elastic", {{key, value}})) << key;
}

// One that is late whatever is done came first and takes all; one that can be in time comes next.
TEST(Elastic, ADoomedRequestDoesNotHoldOthersUp) {
  TestCatalog catalog({2});
  const auto output =
      run_policy(catalog, {request(catalog, 0, 1000, 20, 1.0), request(catalog, 2.0, 100, 10, 3.6)},
                 "elastic");
  const auto finished = finished_by_request(output);
  ASSERT_EQ(finished.size(), 2u);
  EXPECT_LE(finished[1], 3600);
  EXPECT_GT(finished[0], 10'000);
}

// A wide one that must have both GPUs is due later than one that needs one now.
TEST(Elastic, LooksAheadToTheBoundaryThatBringsItsWidthTogether) {
  TestCatalog catalog({2});
  const auto output = run_policy(
      catalog, {request(catalog, 0, 400, 20), request(catalog, 1.0, 100, 20, 2.7)}, "elastic");
  EXPECT_LE(finished_by_request(output)[1], 2700);  // 2.03 s alone on one GPU, 1.03 s on both
}

// Small ones keep coming at the rate that fills the cluster; the large ones are late as they
// arrive. Everybody must have ended by what the header of Ageing says, and that while small ones
// still come.
TEST(Elastic, NobodyStarvesAndTheBoundHolds) {
  constexpr double kStarvation = 2;
  constexpr double kShare = 0.1;
  constexpr int kGpus = 4;
  TestCatalog catalog({kGpus});
  std::vector<Request> requests;
  for (int i = 0; i < 3000; ++i) {
    const double now = 0.25 * i;  // 1.03 s each: load 1.03
    requests.push_back(request(catalog, now, 50, 20, now + 2.5));
    if (i % 150 == 50) requests.push_back(request(catalog, now + 0.01, 400, 20, now + 0.5));
  }
  const PolicyParameters params{{"starvation", fmt::to_string(kStarvation)},
                                {"ageing", fmt::to_string(kShare)}};
  const auto finished = finished_by_request(run_policy(catalog, requests, "elastic", params));
  ASSERT_EQ(finished.size(), requests.size());

  struct Aged {
    double due, work, finished;
    bool large;
  };
  std::vector<Aged> all;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const double alone = requests[i].shape.width * 0.001 * requests[i].steps + kRest;
    const double due = to_seconds(requests[i].arrival) + kStarvation * alone;
    if (finished[i] / 1000 > due)
      all.push_back({due, alone, finished[i] / 1000, requests[i].shape.width == 400});
  }
  std::ranges::sort(all, {}, &Aged::due);
  double promoted = 0;
  int large_meanwhile = 0;
  for (const Aged& aged : all) {
    promoted = std::max(promoted, aged.due) + aged.work / (kShare * kGpus);
    // Then it may have to wait for the boundaries of three stages.
    EXPECT_LE(aged.finished, promoted + aged.work + 3 * 0.4);
    large_meanwhile += aged.large && aged.finished < 750;
  }
  EXPECT_GT(large_meanwhile, 5);
}

TEST(Elastic, RejectionGivesUpTheHopelessOnly) {
  TestCatalog catalog({8});
  const auto requests = mixed(catalog, 300, 1.5, 7);
  const auto with = run_policy(catalog, requests, "elastic", {{"reject", "true"}});
  const auto without = run_policy(catalog, requests, "elastic");
  int rejected = 0, late_with = 0, late_without = 0;
  for (const auto& outcome : with.diary.outcomes) {
    rejected += outcome.end == RequestOutcome::End::kRejected;
    late_with += outcome.late;
  }
  for (const auto& outcome : without.diary.outcomes) {
    EXPECT_EQ(outcome.end, RequestOutcome::End::kFinished);
    late_without += outcome.late;
  }
  EXPECT_GT(rejected, 0);
  EXPECT_EQ(with.diary.outcomes.size(), requests.size());
  EXPECT_GE(late_with, rejected);
  EXPECT_LE(late_with, late_without + static_cast<int>(requests.size()) / 50);
}

// A request alone would be widened to all GPUs; not if a new group takes longer than is gained.
TEST(Elastic, PaysForGroupSetUp) {
  const auto widest = [](Duration setup) {
    TestCatalog catalog({4});
    catalog.setup_time = setup;
    const auto output = run_policy(catalog,
                                   {request(catalog, 0, 20, 20), request(catalog, 0, 20, 20),
                                    request(catalog, 0, 20, 20), request(catalog, 0, 40, 20)},
                                   "elastic");
    int most = 0;
    for (const auto& outcome : output.diary.outcomes) most = std::max(most, outcome.widest);
    return most;
  };
  EXPECT_GT(widest(Duration{}), 1);
  EXPECT_EQ(widest(std::chrono::seconds(5)), 1);
}

// A wide run makes room for others that are due before it, and goes on with one GPU. It moves
// before they begin: its state comes from their GPUs, too.
TEST(Elastic, WhoMovesGoesBeforeThoseWhoTakeItsGpus) {
  TestCatalog catalog({8});
  catalog.migrate_time = std::chrono::milliseconds(3);
  std::vector<Request> requests{request(catalog, 0, 400, 100, 400)};
  for (int i = 0; i < 7; ++i) requests.push_back(request(catalog, 2, 100, 100, 15));
  const Lines lines = launches(run_policy(catalog, requests, "elastic"));
  ASSERT_GT(lines.size(), 9u);
  EXPECT_EQ(lines[1], "10 stage 1 on 0 1 2 3 4 5 6 7 x100");
  EXPECT_EQ(lines[2], "2013 stage 1 on 7 x60");
  for (int i = 0; i < 7; ++i) EXPECT_EQ(lines[3 + i], fmt::format("2013 stage 0 on {} x1", i));
}

TEST(Elastic, SeveralNodesFailuresAndNoDeadlines) {
  TestCatalog catalog({2, 8, 4});
  std::vector<Request> requests;
  for (int i = 0; i < 200; ++i)
    requests.push_back(
        request(catalog, 0.05 * i, i % 5 == 0 ? 400 : 50, 20, i % 3 == 0 ? -1 : 0.05 * i + 4));
  const auto output =
      run_policy(catalog, requests, "elastic", {}, failing({0, 1, 5, 12}, 2000, 6000));
  EXPECT_EQ(finished_by_request(output).size(), requests.size());
}

TEST(Elastic, TheSameTraceGivesTheSameDecisions) {
  const auto journal = [] {
    TestCatalog catalog({8, 8});
    return run_policy(catalog, mixed(catalog, 300, 2.5, 3), "elastic").journal;
  };
  EXPECT_EQ(journal(), journal());
}

TEST(Elastic, APlanOfManyTasksOnManyNodesGoesOnInTheCallsThatFollow) {
  TestCatalog catalog(std::vector<int>(300, 2));
  const auto requests = mixed(catalog, 3000, 2000, 1);  // within half a second
  const Measures mine = measure(run_policy(catalog, requests, "elastic"), requests);
  const Measures edf = measure(run_policy(catalog, requests, "edf"), requests);
  EXPECT_LT(mine.violations, edf.violations);
}

}  // namespace
}  // namespace regroup
