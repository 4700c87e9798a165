#include "tools/bench/policy_matrix.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <stdexcept>

#include "core/errors.hpp"
#include "tools/bench/matrix_report.hpp"
#include "tools/bench/parallel.hpp"
#include "tools/bench/published_workload.hpp"

namespace regroup::tools {
namespace {

// --- Student's t

// t(0.975; 4) = 2.776445; the standard deviation of 1 to 5 is sqrt(2.5).
TEST(StudentMean, HasTheWidthOfTheTables) {
  const std::vector<double> values = {1, 2, 3, 4, 5};
  const Estimate estimate = student_mean(values);
  EXPECT_DOUBLE_EQ(estimate.mean, 3);
  EXPECT_NEAR(estimate.half_width, 2.776445 * std::sqrt(2.5 / 5), 1e-6);
  EXPECT_FALSE(estimate.may_be_zero());
}

TEST(StudentMean, OfOneValueHasNoWidth) {
  EXPECT_TRUE(std::isnan(student_mean(std::vector<double>{0.5}).half_width));
  EXPECT_FALSE(student_mean(std::vector<double>{0.5}).may_be_zero());
  EXPECT_TRUE(student_mean(std::vector<double>{0.0}).may_be_zero());
  EXPECT_TRUE(std::isnan(student_mean({}).mean));
}

TEST(StudentMean, AnIntervalEndsWhereTheQuantityDoes) {
  const Estimate share = student_mean(std::vector<double>{1, 0.9, 1}).within(0, 1);
  EXPECT_GT(share.mean + share.half_width, 1);
  EXPECT_EQ(share.high(), 1);
  EXPECT_EQ(share.low(), share.mean - share.half_width);
  EXPECT_EQ(student_mean(std::vector<double>{0, 0.1, 0}).within(0, 1).low(), 0);
  const Estimate single = student_mean(std::vector<double>{0.5}).within(0, 1);
  EXPECT_TRUE(std::isnan(single.low()) && std::isnan(single.high()));
}

TEST(StudentMean, ADifferenceOfBothSignsMayBeZero) {
  EXPECT_TRUE(student_mean(std::vector<double>{-1, 2, -1, 1}).may_be_zero());
  EXPECT_TRUE(student_mean(std::vector<double>{0, 0, 0}).may_be_zero());
}

// --- threads

TEST(ForEachIndex, DoesEachOnce) {
  std::vector<std::atomic<int>> calls(1000);
  for_each_index(calls.size(), 4, [&](std::size_t i) { ++calls[i]; });
  for (const auto& count : calls) EXPECT_EQ(count, 1);
}

TEST(ForEachIndex, TheFirstFailureLeaves) {
  for (const int jobs : {1, 3, 8}) {
    const auto fails_often = [](std::size_t i) {
      if (i >= 5) throw std::runtime_error(std::to_string(i));
    };
    try {
      for_each_index(100, jobs, fails_often);
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "5") << jobs << " threads";
    }
  }
}

// --- workloads

models::PlatformOptions h100s() {
  models::PlatformOptions options;
  options.cluster = "8xH100";
  return options;
}

TEST(PublishedWorkload, TetriServeOffersTheLoad) {
  models::Platform platform(h100s());
  for (const double load : {0.3, 1.5}) {
    const WorkloadTrace trace =
        published_workload("tetriserve-skewed@1.2", load, 1, 20'000, platform);
    EXPECT_EQ(trace.slo, "tetriserve=1.2");
    double work_gpu_s = 0;
    for (const traces::Record& record : trace.requests)
      work_gpu_s += efficient_gpu_seconds({.model = record.model,
                                           .shape = record.shape,
                                           .steps = record.steps,
                                           .guidance = record.guidance,
                                           .request_class = {}},
                                          platform);
    const double span_s = to_seconds(trace.requests.back().arrival);
    EXPECT_NEAR(work_gpu_s / (8 * span_s), load, 0.03 * load);
  }
}

// What makes the load of GF-DiT's generator, which counts T1, the same as ours.
TEST(PublishedWorkload, OneGpuIsTheMostEfficientWidthOfEveryPublishedRequest) {
  models::Platform platform(h100s());
  for (const char* name : {"gfdit-wan", "gfdit-qwen"}) {
    for (const traces::MixEntry& entry : traces::named_mix(name)) {
      const ShapeId shape =
          platform.intern(*platform.find_model(entry.model), entry.shape, entry.guidance);
      const double t1_s = to_seconds(platform.standalone(shape, entry.steps, 1));
      EXPECT_NEAR(efficient_gpu_seconds(entry, platform), t1_s, 1e-3 * t1_s) << entry.model;
    }
  }
}

TEST(PublishedWorkload, EveryNameIsKnownAndTheSameTwice) {
  models::Platform platform(h100s());
  for (const std::string& name : published_workloads()) {
    const WorkloadTrace trace = published_workload(name, 0.7, 3, 40, platform);
    EXPECT_LE(trace.requests.size(), 40u) << name;
    EXPECT_GE(trace.requests.size(), 20u) << name;
    EXPECT_EQ(trace.requests, published_workload(name, 0.7, 3, 40, platform).requests) << name;
    EXPECT_NE(trace.requests, published_workload(name, 0.7, 4, 40, platform).requests) << name;
  }
}

TEST(PublishedWorkload, RefusesWhatItDoesNotKnow) {
  models::Platform platform(h100s());
  for (const char* name : {"", "short", "gfdit-", "gfdit-short", "gfdit-long-wan", "gfdit-short-sd",
                           "tetriserve-", "tetriserve-uniform@", "tetriserve-uniform@-1"})
    EXPECT_THROW(published_workload(name, 1, 0, 10, platform), ConfigError) << name;
  EXPECT_THROW(published_workload("gfdit-short-wan", 0, 0, 10, platform), ConfigError);
}

// --- forms

TEST(PolicyForm, IsANameAndParameters) {
  const PolicyForm form = parse_form("step-preempt:mode=pause:steps=2");
  EXPECT_EQ(form.policy, "step-preempt");
  EXPECT_EQ(form.params, (std::map<std::string, std::string>{{"mode", "pause"}, {"steps", "2"}}));
  EXPECT_TRUE(parse_form("elastic").params.empty());
  for (const char* text : {"", ":degree=1", "fcfs:", "fcfs:degree", "fcfs:=1", "fcfs:a=1:a=2"})
    EXPECT_THROW(parse_form(text), ConfigError) << text;
}

TEST(PolicyForm, LanesComeInEveryDegreeThatFits) {
  const auto degrees = [](int gpus) {
    std::vector<std::string> found;
    for (const PolicyForm& form : builtin_forms(gpus))
      if (form.policy == "fcfs") found.push_back(form.params.at("degree"));
    return found;
  };
  EXPECT_EQ(degrees(8), (std::vector<std::string>{"1", "2", "4", "8"}));
  EXPECT_EQ(degrees(3), (std::vector<std::string>{"1", "2"}));
}

// --- what is made of the numbers

MatrixRun run_of(double violation_rate, double latency_s) {
  return {.requests = 100,
          .finished = 100,
          .violation_rate = violation_rate,
          .latency_mean_s = latency_s,
          .latency_p95_s = 2 * latency_s};
}

// One workload and load; rows of `runs` are seeds, columns elastic, srtf, fcfs.
Matrix matrix_of(const std::vector<std::vector<MatrixRun>>& runs) {
  MatrixOptions options;
  options.policies = {parse_form("elastic"), parse_form("srtf"), parse_form("fcfs:degree=8")};
  options.workloads = {"a workload"};
  options.loads = {1.3};
  options.seeds = static_cast<int>(runs.size());
  std::vector<MatrixRun> all;
  for (const auto& seed : runs) all.insert(all.end(), seed.begin(), seed.end());
  return {std::move(options), std::vector<double>(runs.size(), 0.05), std::move(all)};
}

TEST(Matrix, BehindTheBestByMoreThanChanceIsSaid) {
  const Matrix matrix = matrix_of({{run_of(.20, 1), run_of(.10, 2), run_of(.50, 9)},
                                   {run_of(.31, 1), run_of(.20, 2), run_of(.10, 9)},
                                   {run_of(.42, 1), run_of(.30, 2), run_of(.60, 9)}});
  EXPECT_EQ(matrix.best_policy(0, 0), 1u);
  const auto entries = matrix.entries(0, 0);
  EXPECT_FALSE(entries[0].best);
  EXPECT_TRUE(entries[1].best);
  EXPECT_TRUE(entries[2].best) << "better once, worse twice: may be equal";
  EXPECT_NEAR(entries[0].behind.mean, 0.11, 1e-12);
  EXPECT_NEAR(entries[0].above_bound.mean, 0.26, 1e-12);
  EXPECT_FALSE(entries[0].slowest);
  EXPECT_TRUE(entries[2].slowest);
  // t(0.975; 2) = 4.3027 times 0.01 / sqrt(3)
  EXPECT_EQ(shortfalls(matrix, 0),
            std::vector<std::string>{"load 1.3: elastic is behind srtf by 11.0 ± 2.5 points"});
}

TEST(Matrix, TheBestHasNoShortfallButItsLatencyMay) {
  const Matrix matrix = matrix_of({{run_of(.1, 9), run_of(.2, 2), run_of(.5, 3)},
                                   {run_of(.1, 9), run_of(.3, 2), run_of(.5, 3)}});
  EXPECT_TRUE(matrix.entries(0, 0)[0].best);
  EXPECT_FALSE(matrix.entries(0, 0)[2].best);
  EXPECT_EQ(shortfalls(matrix, 0),
            std::vector<std::string>{"load 1.3: elastic has the worst mean latency, 9.00 ± 0.00 "
                                     "s"});
}

TEST(Matrix, WhoFinishesNothingIsTheSlowest) {
  const Matrix matrix = matrix_of({{run_of(.1, 1), run_of(.2, 2), run_of(1, std::nan(""))}});
  EXPECT_TRUE(matrix.entries(0, 0)[2].slowest);
  EXPECT_FALSE(matrix.entries(0, 0)[1].slowest);
  EXPECT_NE(matrix_csv(matrix).find("fcfs degree=8,1,100,1.000000,,,,,,,0.900000"),
            std::string::npos)
      << matrix_csv(matrix);
}

// --- runs

MatrixOptions small(int jobs) {
  MatrixOptions options;
  options.policies = {parse_form("fcfs:degree=2"), parse_form("elastic"), parse_form("srtf")};
  options.workloads = {"tetriserve-uniform@1.5", "gfdit-short-qwen"};
  options.loads = {0.5, 1.5};
  options.seeds = 2;
  options.requests = 30;
  options.jobs = jobs;
  return options;
}

TEST(RunMatrix, DoesNotDependOnTheNumberOfThreads) {
  const Matrix one = run_matrix(small(1)), four = run_matrix(small(4));
  EXPECT_EQ(runs_csv(one), runs_csv(four));
  EXPECT_EQ(matrix_csv(one), matrix_csv(four));
  EXPECT_EQ(matrix_markdown(one), matrix_markdown(four));
  EXPECT_EQ(matrix_text(one), matrix_text(four));
}

TEST(RunMatrix, NoRunIsBelowTheBound) {
  const Matrix matrix = run_matrix(small(2));
  double most = 0;
  for (std::size_t w = 0; w < 2; ++w)
    for (std::size_t l = 0; l < 2; ++l)
      for (int seed = 0; seed < 2; ++seed)
        for (std::size_t p = 0; p < 3; ++p) {
          const MatrixRun& run = matrix.run(w, l, p, seed);
          EXPECT_EQ(run.requests, 30);
          EXPECT_EQ(run.requests, run.finished + run.rejected + run.unfinished);
          EXPECT_GE(run.violation_rate, matrix.bound(w, l, seed) - 1e-12);
          most = std::max(most, run.violation_rate);
        }
  EXPECT_GT(most, 0);
}

TEST(RunMatrix, AFailureNamesItsRun) {
  MatrixOptions options = small(3);
  options.policies.push_back(parse_form("fcfs:degree=9"));  // no lane: nothing is ever placed
  try {
    run_matrix(options);
    FAIL() << "nothing was thrown";
  } catch (const PolicyError& error) {
    EXPECT_TRUE(
        std::string_view(error.what())
            .starts_with("tetriserve-uniform@1.5, load 0.5, seed 0, policy fcfs degree=9: "))
        << error.what();
  }
}

}  // namespace
}  // namespace regroup::tools
