// What the reference simulator of GF-DiT answers on its workloads, request by request
// (shared/reference/gfdit/README.md), against ours with --semantics gfdit.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

#include "tools/experiment.hpp"

namespace regroup::tools {
namespace {

namespace fs = std::filesystem;

const fs::path kReference = fs::path(RG_SHARED_DIR) / "reference/gfdit";

// How near the answers must be.
enum class Parity {
  kEveryRequest,  // each finishes within 1 ms
  kInSum,         // as many in time within 1 %, and mean latency within 1 %, in each class
  kInKind,        // as many in time within 5 %: the reference's own are accidents of its events
};

struct Column {
  const char* name;  // of finish_ms.csv
  const char* policy;
  std::map<std::string, std::string> params;
  Parity parity = Parity::kEveryRequest;

  friend std::ostream& operator<<(std::ostream& out, const Column& column) {
    return out << column.name;
  }
};

const Column kColumns[] = {
    {"static_sp1", "static", {{"degree", "1"}}},
    {"static_sp2_sliding", "static", {{"degree", "2"}}},
    {"static_full_sp8", "static", {{"degree", "8"}}},
    {"static_sp4_sliding", "static", {{"degree", "4"}}},
    {"fcfs_full", "fcfs", {{"degree", "8"}}},
    {"fcfs_half", "fcfs", {{"degree", "4"}}},
    {"fcfs_sp1", "fcfs", {{"degree", "1"}}},
    {"srtf_full", "srtf", {{"degree", "8"}}},
    {"srtf_half", "srtf", {{"degree", "4"}}},
    {"srtf_sp1", "srtf", {{"degree", "1"}}},
    {"sjf_half", "sjf", {{"degree", "4"}}},
    {"sjf_sp1", "sjf", {{"degree", "1"}}},
    {"rssp", "rssp", {}},
    {"load_adaptive", "load-adaptive", {}},
    {"prio_load_adaptive", "load-adaptive", {{"priority", "1"}}},
    {"edf_greedy", "edf-greedy", {}},
    {"edf_best_fit", "edf-best-fit", {}},
    {"tetriserve_cont", "tetriserve", {{"round_ms", "0"}}, Parity::kInSum},
    {"tetriserve_round5s", "tetriserve", {{"round_ms", "5000"}}, Parity::kInSum},
    {"tetriserve_round2s", "tetriserve", {{"round_ms", "2000"}}, Parity::kInSum},
    {"tetriserve_round15s", "tetriserve", {{"round_ms", "15000"}}, Parity::kInSum},
    {"clean_edf_pause", "clean-edf", {{"mode", "pause"}}, Parity::kInKind},
    {"clean_edf_demote", "clean-edf", {{"mode", "demote"}}, Parity::kInKind},
    {"step_preempt_pause", "step-preempt", {{"mode", "pause"}}, Parity::kInKind},
    {"step_preempt_demote", "step-preempt", {{"mode", "demote"}}, Parity::kInKind},
    {"pd_rolling", "primal-dual", {}, Parity::kInKind},
};
constexpr const char* kWorkloads[] = {"wl8_short_s0", "wl8_short_tl1.0_s42",
                                      "wl8_foreground_burst_s1", "wl8_inflight_burst_s0"};

struct Answer {
  std::string request_class;
  double arrival_ms = 0, deadline_ms = 0;
  double finish_ms = NAN;  // NaN: never
  bool in_time() const { return finish_ms <= deadline_ms; }
};
using Answers = std::map<std::string, Answer>;  // by request

// Notes when every request ends.
class Watch final : public Observer {
 public:
  void on_request_end(const RequestOutcome& outcome) override {
    const Request& request = *outcome.request;
    Answer answer{std::string(1, request.label[0]), to_seconds(request.arrival) * 1e3,
                  to_seconds(request.deadline) * 1e3};
    if (outcome.end == RequestOutcome::End::kFinished)
      answer.finish_ms = to_seconds(outcome.ended) * 1e3;
    answers.emplace(request.label, answer);
  }
  Answers answers;
};

std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> found;
  std::istringstream in(line + ",");
  for (std::string cell; std::getline(in, cell, ',');) {
    std::erase(cell, '\r');
    found.push_back(cell);
  }
  return found;
}

// The column of the table; empty if it has none. Everything but the finish is as in `ours`.
Answers reference(const fs::path& table, const std::string& column, const Answers& ours) {
  std::ifstream in(table);
  std::string line;
  std::getline(in, line);
  const std::vector<std::string> header = cells(line);
  const auto found = std::ranges::find(header, column);
  if (found == header.end()) return {};
  const auto index = static_cast<std::size_t>(found - header.begin());
  Answers answers;
  while (std::getline(in, line)) {
    const std::vector<std::string> row = cells(line);
    Answer& answer = answers[row[0]] = ours.at(row[0]);
    answer.finish_ms = index < row.size() && !row[index].empty() ? std::stod(row[index]) : NAN;
  }
  return answers;
}

struct Sums {
  double requests = 0, in_time = 0, finished = 0, latency_ms = 0;
};
std::map<std::string, Sums> by_class(const Answers& answers) {
  std::map<std::string, Sums> classes;
  for (const auto& [id, answer] : answers)
    for (const std::string& name : {answer.request_class, std::string("all")}) {
      Sums& sums = classes[name];
      sums.requests += 1;
      sums.in_time += answer.in_time();
      if (std::isnan(answer.finish_ms)) continue;
      sums.finished += 1;
      sums.latency_ms += answer.finish_ms - answer.arrival_ms;
    }
  return classes;
}

class ParityTest : public ::testing::TestWithParam<std::tuple<const char*, Column>> {};

// Runs our policy on the workload, as the reference would.
Answers answers_of(const fs::path& workload, int gpus, const Column& column) {
  Watch watch;
  Experiment experiment;
  experiment.trace = workload;
  experiment.cluster = fmt::format("gfdit:{}", gpus);
  experiment.policy = column.policy;
  experiment.params = column.params;
  experiment.platform.calibrations = {"cost_synth"};
  experiment.platform.semantics = "gfdit";
  experiment.observers = {&watch};
  run(experiment);
  return watch.answers;
}

TEST_P(ParityTest, AgreesWithTheReference) {
  const auto& [workload, column] = GetParam();
  const fs::path folder = kReference / workload;
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is not there";
  const Answers mine = answers_of(folder / "workload.json", 8, column);
  const Answers theirs = reference(folder / "finish_ms.csv", column.name, mine);
  if (theirs.empty()) GTEST_SKIP() << "the reference did not run it on this workload";
  ASSERT_EQ(theirs.size(), mine.size());

  if (column.parity == Parity::kEveryRequest) {
    for (const auto& [id, answer] : theirs)
      EXPECT_NEAR(mine.at(id).finish_ms, answer.finish_ms, 1) << id;
    return;
  }
  const auto ours = by_class(mine);
  for (const auto& [name, sums] : by_class(theirs)) {
    const Sums& our = ours.at(name);
    if (column.parity == Parity::kInSum) {
      EXPECT_NEAR(our.in_time / our.requests, sums.in_time / sums.requests, 0.01) << name;
      const double mean = sums.latency_ms / sums.finished;
      EXPECT_NEAR(our.latency_ms / our.finished, mean, 0.01 * mean) << name;
    } else if (name == "all") {
      EXPECT_NEAR(our.in_time / our.requests, sums.in_time / sums.requests, 0.05);
    }
    // Whatever the reference leaves behind, ours finishes every request.
    EXPECT_EQ(our.finished, our.requests);
  }
}

INSTANTIATE_TEST_SUITE_P(GfDit, ParityTest,
                         ::testing::Combine(::testing::ValuesIn(kWorkloads),
                                            ::testing::ValuesIn(kColumns)),
                         [](const auto& each) {
                           std::string name = std::string(std::get<0>(each.param)) + "_" +
                                              std::get<1>(each.param).name;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

// Small cases: nine requests one after another, and sixteen that come in bursts, with ties.
const Column kMicroColumns[] = {
    {"static_sp1", "static", {{"degree", "1"}}},
    {"static_sp4", "static", {{"degree", "4"}}},
    {"rssp", "rssp", {}},
    {"edf_greedy", "edf-greedy", {}},
    {"edf_best_fit", "edf-best-fit", {}},
    {"tetriserve_cont", "tetriserve", {}},
    {"tetriserve_round", "tetriserve", {{"round_ms", "3000"}}},
};

// Wide and narrow lanes over the same GPUs, sixteen requests at one instant: who of equals comes
// first is an accident of the reference's event queue. So these run on the other case only.
const Column kMicroColumnsWithoutTies[] = {
    {"load_adaptive", "load-adaptive", {}},
    {"prio_load_adaptive", "load-adaptive", {{"priority", "1"}}},
};

class MicroTest : public ::testing::TestWithParam<std::tuple<const char*, int, Column>> {};

TEST_P(MicroTest, AgreesWithTheReference) {
  const auto& [workload, gpus, column] = GetParam();
  const fs::path folder = kReference / "micro";
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is not there";
  const Answers mine = answers_of(folder / fmt::format("{}.workload.json", workload), gpus, column);
  std::ifstream in(folder / fmt::format("{}.w{}.{}.json", workload, gpus, column.name));
  const auto theirs = nlohmann::json::parse(in).at("finish_ms");
  ASSERT_EQ(theirs.size(), mine.size());
  for (const auto& [id, answer] : mine)
    EXPECT_NEAR(answer.finish_ms, theirs.at(id).get<double>(), 1) << id;
}

std::string micro_name(const ::testing::TestParamInfo<MicroTest::ParamType>& each) {
  const auto& [workload, gpus, column] = each.param;
  return fmt::format("{}_{}_{}", workload, gpus, column.name);
}
INSTANTIATE_TEST_SUITE_P(GfDit, MicroTest,
                         ::testing::Combine(::testing::Values("micro9", "micro16_burst"),
                                            ::testing::Values(4, 8),
                                            ::testing::ValuesIn(kMicroColumns)),
                         micro_name);
INSTANTIATE_TEST_SUITE_P(GfDitWithoutTies, MicroTest,
                         ::testing::Combine(::testing::Values("micro9"), ::testing::Values(4, 8),
                                            ::testing::ValuesIn(kMicroColumnsWithoutTies)),
                         micro_name);

}  // namespace
}  // namespace regroup::tools
