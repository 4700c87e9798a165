// How long a policy thinks: the time of decide() by policy and cluster, while far more requests
// wait than are served. Every run is a whole simulation; the table has the median, two percentiles
// and the longest of its calls, in microseconds. --benchmark_filter=NAME/ runs one policy.
#include <benchmark/benchmark.h>

#include <string>

#include "policies/builtin_policies.hpp"
#include "tools/experiment.hpp"
#include "traces/generate.hpp"

namespace regroup {
namespace {

struct Size {
  const char* cluster;
  int gpus;
  std::uint64_t requests;
};
constexpr Size kSizes[] = {{"8xH100", 8, 100},
                           {"8x8xH100", 64, 500},
                           {"128x8xH100", 1024, 4000},
                           {"1250x8xH100", 10000, 20'000}};

// All of them arrive within ten seconds. Of classes S, M and L, which some policies tell apart; of
// few steps, since more of them are only more of the same decisions.
void decision(benchmark::State& state, const char* policy, const Size& size) {
  tools::Experiment experiment;
  experiment.workload = [&] {
    traces::ArrivalOptions options;
    options.mix = traces::named_mix("gfdit-qwen");
    options.count = size.requests;
    options.per_minute = 6.0 * static_cast<double>(size.requests);
    options.steps = 5;
    return traces::generate(options);
  };
  experiment.cluster = size.cluster;
  experiment.policy = policy;
  experiment.slo = "alpha=10";
  tools::DecisionTimes times;
  for (auto _ : state) times = tools::run(experiment).decision_times;
  state.counters["decisions"] = static_cast<double>(times.calls);
  state.counters["median"] = times.p50_us;
  state.counters["p99"] = times.p99_us;
  state.counters["p999"] = times.p999_us;
  state.counters["max"] = times.max_us;
}

}  // namespace
}  // namespace regroup

int main(int argc, char** argv) {
  for (const regroup::PolicyPlugin* policy : regroup::kBuiltinPolicies)
    for (const regroup::Size& size : regroup::kSizes)
      benchmark::RegisterBenchmark(
          (std::string(policy->name) + "/" + std::to_string(size.gpus) + "_GPUs").c_str(),
          regroup::decision, policy->name, size)
          ->Iterations(1)
          ->Unit(benchmark::kSecond);
  benchmark::Initialize(&argc, argv);
  benchmark::ConsoleReporter table(benchmark::ConsoleReporter::OO_Tabular);
  benchmark::RunSpecifiedBenchmarks(&table);
}
