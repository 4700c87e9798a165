// The directory of results, and its JSON files.
#include "core/results.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "core/errors.hpp"
#include "core/metrics.hpp"
#include "tests/core/observer_script.hpp"

namespace regroup {
namespace {

using script::Script;
using script::TempDir;
using Names = std::vector<std::string>;

const ConfigBlock kConfig = {{"policy", "fifo"}, {"cluster", "2x2xH100"}, {"seed", "7"}};

void write_results(const std::filesystem::path& directory, ResultsOptions options,
                   void (*play)(Script&), const std::string& host = "here") {
  Script script;
  Metrics metrics(script.catalog.gpus().size(), script.classes);
  Results results(directory, script.catalog, script.classes, options);
  script.observers = {&metrics, &results.observer()};
  play(script);
  results.commit(metrics.summary(), kConfig, {{"host", host}});
}

TEST(SummaryJson, HoldsTheStory) {
  const TempDir dir;
  write_results(dir.path(), {}, script::play_story);
  EXPECT_EQ(dir.read("summary.json"), R"({
  "format": "regroup-summary",
  "version": 1,
  "config": {
    "policy": "fifo",
    "cluster": "2x2xH100",
    "seed": "7"
  },
  "requests": 4,
  "finished": 2,
  "rejected": 1,
  "unfinished": 1,
  "slo_violations": 3,
  "slo_violation_rate": 0.75,
  "latency_mean_s": 0.0195,
  "latency_p50_s": 0.0195,
  "latency_p90_s": 0.0207,
  "latency_p95_s": 0.02085,
  "latency_p99_s": 0.020970000000000003,
  "latency_max_s": 0.021,
  "queueing_mean_s": 0.0015,
  "encode_mean_s": 0.001,
  "denoise_mean_s": 0.015,
  "decode_mean_s": 0.001,
  "step_mean_s": 0.0052,
  "makespan_s": 0.039,
  "throughput_rps": 51.282051282051285,
  "goodput_rps": 25.641025641025642,
  "gpu_seconds": {
    "compute": 0.0748,
    "setup": 0.0048,
    "migrate": 0.0019,
    "dispatch": 0.0045,
    "idle": 0.07
  },
  "utilisation": 0.5512820512820513,
  "runs": 5,
  "steps": 5,
  "group_setups": 2,
  "group_changes": 1,
  "migrations": 2,
  "migrated_bytes": 2000,
  "preemptions": 1,
  "classes": {
    "small": {
      "requests": 2,
      "finished": 1,
      "rejected": 0,
      "unfinished": 1,
      "slo_violations": 1,
      "slo_violation_rate": 0.5,
      "latency_mean_s": 0.021,
      "latency_p50_s": 0.021,
      "latency_p90_s": 0.021,
      "latency_p95_s": 0.021,
      "latency_p99_s": 0.021,
      "latency_max_s": 0.021
    },
    "large": {
      "requests": 2,
      "finished": 1,
      "rejected": 1,
      "unfinished": 0,
      "slo_violations": 2,
      "slo_violation_rate": 1.0,
      "latency_mean_s": 0.018,
      "latency_p50_s": 0.018,
      "latency_p90_s": 0.018,
      "latency_p95_s": 0.018,
      "latency_p99_s": 0.018,
      "latency_max_s": 0.018
    }
  }
}
)");
}

TEST(SummaryJson, WritesNullForTheLatencyOfNobody) {
  Script script;
  const Metrics metrics(1, script.classes);
  const std::string text = summary_json(metrics.summary(), {});
  EXPECT_NE(text.find("\"latency_p99_s\": null"), std::string::npos) << text;
  EXPECT_NE(text.find("\"classes\": {}"), std::string::npos) << text;
}

TEST(SummaryJson, RefusesAKeyGivenTwice) {
  EXPECT_THROW(provenance_json({{"host", "a"}, {"host", "b"}}), InternalError);
}

TEST(SummaryJson, ReplacesBytesThatAreNotUtf8) {
  EXPECT_NE(provenance_json({{"host", "\xff"}}).find("\xef\xbf\xbd"), std::string::npos);
}

TEST(ProvenanceJson, HoldsItsFacts) {
  EXPECT_EQ(provenance_json({{"host", "h"}, {"wall_time_s", "1.5"}}), R"({
  "format": "regroup-provenance",
  "version": 1,
  "host": "h",
  "wall_time_s": "1.5"
}
)");
}

TEST(Results, MakesItsDirectoryAndFiles) {
  const TempDir dir;
  write_results(dir.path() / "a" / "b", {.tasks = true, .timeline = true}, script::play_story);
  Names names;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path() / "a" / "b"))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (Names{"provenance.json", "requests.csv", "summary.json", "tasks.csv",
                          "timeline.pftrace"}));
}

TEST(Results, LeavesNothingWithoutCommit) {
  const TempDir dir;
  {
    Script script;
    Results results(dir.path(), script.catalog, script.classes, {.tasks = true, .timeline = true});
    script.observers = {&results.observer()};
    script::play_story(script);
  }
  EXPECT_EQ(dir.names(), Names{});
}

TEST(Results, RemovesOptionalFilesOfAnEarlierRun) {
  const TempDir dir;
  std::ofstream(dir.path() / "notes.txt") << "mine";
  write_results(dir.path(), {.tasks = true, .timeline = true}, script::play_story);
  write_results(dir.path(), {}, script::play_story);
  EXPECT_EQ(dir.names(), (Names{"notes.txt", "provenance.json", "requests.csv", "summary.json"}));
}

TEST(Results, DifferInProvenanceOnly) {
  const auto play = [](Script& script) { script::play_random(script, 3, 200); };
  const TempDir one, two;
  write_results(one.path(), {.tasks = true, .timeline = true}, play, "one");
  write_results(two.path(), {.tasks = true, .timeline = true}, play, "two");
  for (const char* name : {"requests.csv", "tasks.csv", "timeline.pftrace", "summary.json"})
    EXPECT_EQ(one.read(name), two.read(name)) << name;
  EXPECT_NE(one.read("provenance.json"), two.read("provenance.json"));
}

TEST(Results, ReportsADirectoryThatCannotBeMade) {
  Script script;
  EXPECT_THROW(Results("/dev/null/out", script.catalog, script.classes, {}), SystemError);
}

}  // namespace
}  // namespace regroup
