// How long a policy thinks: the time of decide() while many requests wait, by policy and cluster.
// Every run is a whole simulation; reported are the median and the 99th percentile over its calls,
// and the median as a multiple of that of fcfs on the same trace.
#include <benchmark/benchmark.h>

#include "tools/experiment.hpp"
#include "traces/generate.hpp"

namespace regroup {
namespace {

// As many requests as come in ten seconds, far more than are done in that time.
tools::DecisionTimes decide(const char* policy, const char* cluster, std::uint64_t requests) {
  tools::Experiment experiment;
  experiment.workload = [requests] {
    traces::ArrivalOptions options = traces::tetriserve_workload(false);
    options.count = requests;
    options.per_minute = 6.0 * static_cast<double>(requests);
    return traces::generate(options);
  };
  experiment.cluster = cluster;
  experiment.policy = policy;
  experiment.slo = "alpha=10";
  return tools::run(experiment).decision_times;
}

void decision(benchmark::State& state, const char* policy, const char* cluster,
              std::uint64_t requests) {
  tools::DecisionTimes times, fcfs;
  for (auto _ : state) {
    times = decide(policy, cluster, requests);
    fcfs = decide("fcfs", cluster, requests);
  }
  state.counters["decisions"] = static_cast<double>(times.calls);
  state.counters["p50_us"] = times.p50_us;
  state.counters["p99_us"] = times.p99_us;
  state.counters["fcfs_p50_us"] = fcfs.p50_us;
  state.counters["times_fcfs"] = times.p50_us / fcfs.p50_us;
}

void add(const char* policy) {
  const std::string name = policy;
  benchmark::RegisterBenchmark((name + "/8 GPUs").c_str(), decision, policy, "8xH100", 100)
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark((name + "/1024 GPUs, 10000 at once").c_str(), decision, policy,
                               "128x8xH100", 10'000)
      ->Iterations(1)
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark((name + "/10000 GPUs, 20000 at once").c_str(), decision, policy,
                               "1250x8xH100", 20'000)
      ->Iterations(1)
      ->Unit(benchmark::kMillisecond);
}

}  // namespace
}  // namespace regroup

int main(int argc, char** argv) {
  for (const char* policy : {"elastic", "srtf", "edf-best-fit"}) regroup::add(policy);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
