// The real runtime on the virtual clock against the simulator: policies x loads x seeds, 500
// requests each on 8 ranks. The promise is half a point of SLO violations in every cell and 1 % of
// every request's latency; what is checked is more, the journals are the same byte for byte.
#include <gtest/gtest.h>

#include <ostream>

#include "tools/experiment.hpp"
#include "traces/generate.hpp"

namespace regroup {
namespace {

struct Policy {
  const char* name;
  const char* degree;  // or nullptr
};

void PrintTo(const Policy& p, std::ostream* out) {
  *out << p.name << (p.degree == nullptr ? "" : " ") << (p.degree == nullptr ? "" : p.degree);
}

class HostMatrix : public ::testing::TestWithParam<std::tuple<Policy, double>> {};

TEST_P(HostMatrix, WritesTheSimulatorsJournal) {
  const auto [policy, per_minute] = GetParam();
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    tools::Experiment e;
    e.cluster = "8xH100";
    e.policy = policy.name;
    if (policy.degree != nullptr) e.params = {{"degree", policy.degree}};
    e.slo = "alpha=1.5";
    e.jitter = 0.007;
    e.seed = seed;
    e.workload = [per_minute = per_minute, seed] {
      traces::ArrivalOptions options = traces::tetriserve_workload(false);
      options.per_minute = per_minute;
      options.count = 500;
      options.seed = seed;
      options.steps = 12;
      return traces::generate(options);
    };
    std::string simulated, measured;
    e.journal_bytes = &simulated;
    const Summary expected = tools::run(e).summary;
    e.on = "host";
    e.journal_bytes = &measured;
    const Summary summary = tools::run(e).summary;
    EXPECT_TRUE(simulated == measured) << "seed " << seed;
    EXPECT_EQ(summary.requests, 500);
    EXPECT_EQ(summary.slo_violations, expected.slo_violations);
    EXPECT_EQ(summary.latency_s.max, expected.latency_s.max);
  }
}

// 40, 90 and 140 requests a minute: about 25, 60 and 95 % of 8 GPUs at degree 1.
INSTANTIATE_TEST_SUITE_P(
    Cells, HostMatrix,
    ::testing::Combine(::testing::Values(Policy{"fcfs", "1"}, Policy{"fcfs", "4"},
                                         Policy{"srtf", "2"}, Policy{"edf", "2"},
                                         Policy{"edf-best-fit", nullptr},
                                         Policy{"elastic", nullptr}),
                       ::testing::Values(40.0, 90.0, 140.0)));

}  // namespace
}  // namespace regroup
