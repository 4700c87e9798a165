#include <gtest/gtest.h>

#include <algorithm>

#include "core/errors.hpp"
#include "tests/tools/sweep_fixture.hpp"

namespace regroup::tools {
namespace {

class SweepRun : public SweepTest {};

TEST_F(SweepRun, ResultsDoNotDependOnHowItWasRun) {
  const std::string whole = run("whole", small_spec());
  ASSERT_FALSE(whole.empty());
  EXPECT_EQ(run("threads", small_spec(), {}, 4), whole);
  for (const int shard : {2, 0, 1}) run("shards", small_spec(), {shard, 3});
  EXPECT_EQ(cells("shards"), whole);
  EXPECT_EQ(whole.substr(0, 40), cells("threads").substr(0, 40));
}

// Whatever of the file was written when the process was killed.
TEST_F(SweepRun, GoesOnAfterAKillWithoutRepeatingOrLosingARun) {
  const std::string whole = run("whole", small_spec());
  const std::string lines = read_text(folder_ / "whole/runs/1-of-1.0.jsonl");
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, lines.size() / 2, lines.find('\n'),
                                 lines.find('\n') + 1, lines.size() - 1}) {
    std::filesystem::remove_all(folder_ / "killed");
    std::filesystem::create_directories(folder_ / "killed/runs");
    const std::filesystem::path before = folder_ / "killed/runs/1-of-1.0.jsonl";
    write_text(before, lines.substr(0, size));
    const std::size_t known = records("killed").size();
    EXPECT_EQ(run("killed", small_spec()), whole) << size;
    const std::string again = read_text(folder_ / "killed/runs/1-of-1.1.jsonl");
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(again, '\n')), 18 - known) << size;
    EXPECT_EQ(read_text(before), lines.substr(0, size)) << "a file of another process was changed";
  }
}

TEST_F(SweepRun, AFinishedSweepWritesNothingMore) {
  run("a", small_spec());
  run("a", small_spec());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a/runs/1-of-1.1.jsonl"));
}

TEST_F(SweepRun, PoliciesMeetTheSameRequests) {
  const SweepSpec spec = parse_sweep_spec(small_spec(), folder_ / "sweep.json");
  const auto requests = [&](std::size_t policy, int seed) {
    return traces::read_all(*open_requests(experiment_of(spec, {.policy = policy}, seed)));
  };
  EXPECT_EQ(requests(0, 1), requests(2, 1));
  EXPECT_NE(requests(0, 1), requests(0, 2));
}

TEST_F(SweepRun, AChangedSpecificationIsRefusedWithWhatChanged) {
  run("a", small_spec());
  try {
    run("a", small_spec(R"("loads": [1, 4], "seeds": 3)"));
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("/loads/1: was 3, is now 4"), std::string::npos)
        << error.what();
  }
}

TEST_F(SweepRun, AChangedTraceIsRefused) {
  const std::string trace =
      "# regroup trace v1\n"
      "id,arrival_us,model,width,height,frames,steps,guidance,class,priority,deadline_us\n"
      "a,0,FLUX.1-dev,1024,1024,1,28,3.5,,,\n";
  const std::string spec =
      small_spec("\"seeds\": 2", R"([{"policy": "srtf"}])", R"({"trace": "t.csv"})");
  write_text(folder_ / "t.csv", trace);
  EXPECT_FALSE(run("a", spec).empty());
  write_text(folder_ / "t.csv", trace + "b,1,FLUX.1-dev,1024,1024,1,28,3.5,,,\n");
  EXPECT_THROW(run("a", spec), ConfigError);
}

// A cluster file is looked for beside the specification; a word is a name, whatever lies there.
TEST_F(SweepRun, PathsAreThoseFromTheSpecification) {
  std::filesystem::create_directories(folder_ / "8xH100");
  const auto cluster = [&](const std::string& text) {
    const std::string spec = small_spec("\"seeds\": 1", R"([{"policy": "srtf"}])",
                                        R"({"generate": "tetriserve-uniform"})", text);
    return parse_sweep_spec(spec, folder_ / "sweep.json").clusters.front();
  };
  EXPECT_EQ(cluster("8xH100"), "8xH100");
  write_text(folder_ / "mine.json", "{}");
  EXPECT_EQ(cluster("mine.json"), (folder_ / "mine.json").string());
}

TEST_F(SweepRun, AnUnfinishedSweepIsNotMerged) {
  run("a", small_spec(), {0, 2});
  EXPECT_THROW(cells("a"), CheckFailed);
}

TEST_F(SweepRun, TwoResultsOfOneRunAreNotMerged) {
  run("a", small_spec());
  std::string line = read_text(folder_ / "a/runs/1-of-1.0.jsonl");
  line = line.substr(0, line.find('\n') + 1);
  line.replace(line.find("\"requests\":15"), 13, "\"requests\":16");
  write_text(folder_ / "a/runs/other.jsonl", line);
  EXPECT_THROW(records("a"), CheckFailed);
}

TEST_F(SweepRun, AFailingRunIsNamedAndTheOthersAreKept) {
  const std::string bad = small_spec(
      "\"seeds\": 1", R"([{"policy": "srtf"}, {"policy": "fcfs", "params": {"degree": 16}}])");
  try {
    run("a", bad);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).substr(0, 67),
              "tetriserve-uniform, 8xH100, slo 1, load 1, fcfs degree=16, seed 0: ");
  }
  EXPECT_EQ(records("a").size(), 1u);
}

// --- deadlines

std::vector<double> allowances_s(const std::string& workload, double scale) {
  const SweepSpec spec = parse_sweep_spec(
      small_spec("\"seeds\": 1", R"([{"policy": "srtf"}])", workload), "sweep.json");
  const Experiment experiment = experiment_of(spec, {.slo_scale = scale}, 0);
  models::Platform platform(platform_of(experiment));
  NameTable<ClassId> classes;
  traces::TraceSource source(open_requests(experiment), platform, classes,
                             source_options(experiment));
  std::vector<double> all;
  for (Request request; source.next(request);)
    all.push_back(to_seconds(request.deadline - request.arrival));
  return all;
}

TEST(SweepDeadlines, AScaleMovesThoseOfRulesAndOfTraces) {
  for (const char* workload :
       {R"({"generate": "tetriserve-uniform", "count": 15, "slo": "tetriserve=1.5"})",
        R"({"generate": "tetriserve-uniform", "count": 15, "steps": 9, "slo": "alpha=2"})",
        R"({"generate": "tetriserve-uniform", "count": 15, "slo": "hetu"})",
        R"({"published": "gfdit-short-wan", "requests": 15})"}) {
    const std::vector<double> plain = allowances_s(workload, 1),
                              doubled = allowances_s(workload, 2);
    ASSERT_EQ(plain.size(), 15u) << workload;
    ASSERT_EQ(doubled.size(), 15u) << workload;
    for (std::size_t i = 0; i < plain.size(); ++i)
      EXPECT_NEAR(doubled[i], 2 * plain[i], 1e-8) << workload;
  }
}

// --- results

TEST_F(SweepRun, DifferencesFromTheBaselineArePaired) {
  run("a", small_spec(R"("seeds": 4, "baseline": "srtf")"));
  const SweepSpec spec = read_sweep(folder_ / "a");
  const SweepResults results = collect(spec, records("a"));
  const Metric metric{"", &RunNumbers::latency_mean_s, true};
  const SettingResult& one = results.settings[1];
  const SettingResult* baseline = baseline_of(spec, results, one);
  ASSERT_EQ(baseline, &results.settings[2]);
  std::vector<double> differences;
  for (std::size_t seed = 0; seed < 4; ++seed)
    differences.push_back(one.runs[seed].latency_mean_s - baseline->runs[seed].latency_mean_s);
  EXPECT_EQ(less_baseline(one, *baseline, metric).mean, student_mean(differences).mean);
  EXPECT_EQ(less_baseline(*baseline, *baseline, metric).mean, 0);
}

TEST_F(SweepRun, ASearchGoesOnAfterAKill) {
  const std::string spec = small_spec(
      R"("capacity": {"target_violation_rate": 0.4, "search": "rate", "low": 0.5, "high": 20,
                      "max_seeds": 6})");
  const std::string whole = run("whole", spec);
  const std::string lines = read_text(folder_ / "whole/runs/1-of-1.0.jsonl");
  run("killed", spec, {0, 3});
  write_text(folder_ / "killed/runs/some.jsonl", lines.substr(0, lines.size() / 3));
  const std::size_t known = records("killed").size(), all = records("whole").size();
  EXPECT_EQ(run("killed", spec, {}, 3), whole);
  const std::string done = read_text(folder_ / "killed/runs/1-of-1.0.jsonl");
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(done, '\n')), all - known);
  EXPECT_EQ(records("killed").size(), all) << "runs that the search did not need";
}

TEST_F(SweepRun, TheFewestGpusAreSearchedByName) {
  const std::string spec = small_spec(
      R"("capacity": {"target_violation_rate": 0.5, "search": "gpus", "low": 1, "high": 16,
                      "max_seeds": 4})",
      R"([{"policy": "srtf"}])",
      R"({"generate": "tetriserve-uniform", "count": 40, "steps": 28, "slo": "alpha=1.5",
          "per_minute": 40})",
      "*xH100");
  run("a", spec);
  const SweepSpec read = read_sweep(folder_ / "a");
  const SweepResults results = collect(read, records("a"));
  const SearchResult& search = results.searches.front();
  ASSERT_EQ(search.capacity.end, Capacity::End::kBetween);
  EXPECT_EQ(search.gpus, search.capacity.answer().point);
  EXPECT_EQ(*search.capacity.over_point(), search.gpus - 1);
  EXPECT_EQ(cluster_name(read, search.setting), fmt::format("{}xH100", search.gpus));
  EXPECT_EQ(search.unit, "images");
  // What is paid for: all GPUs, from the first arrival to the last end.
  double hours = 0, finished = 0;
  for (const RunNumbers& one : results.settings[search.first + search.capacity.best].runs) {
    hours += search.gpus * one.makespan_s / 3600;
    finished += one.finished;
  }
  EXPECT_NEAR(search.gpu_hours_per_1000, 1000 * hours / finished, 1e-9);
}

}  // namespace
}  // namespace regroup::tools
