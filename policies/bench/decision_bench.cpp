// decision_bench [POLICY...]
// How long a policy thinks: the time of decide() by policy (all built-in ones if none is named) and
// cluster, while far more requests wait than are served. Every run is a whole simulation; the table
// has the median, two percentiles and the longest of its calls. The longest is mostly the first,
// which sets up, or one that lost its processor to somebody else.
#include <fmt/format.h>

#include "policies/builtin_policies.hpp"
#include "regroup/policy/policy.hpp"
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
tools::DecisionTimes decide(const std::string& policy, const Size& size) {
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
  return tools::run(experiment).decision_times;
}

void measure(const std::string& policy) {
  for (const Size& size : kSizes) {
    const tools::DecisionTimes times = decide(policy, size);
    fmt::print("{:<14} {:>6} {:>9} {:>8.2f} {:>8.2f} {:>8.1f} {:>9.1f}\n", policy, size.gpus,
               times.calls, times.p50_us, times.p99_us, times.p999_us, times.max_us);
  }
}

}  // namespace
}  // namespace regroup

int main(int argc, char** argv) {
  fmt::print("{:<14} {:>6} {:>9} {:>8} {:>8} {:>8} {:>9}\n", "us", "GPUs", "decisions", "median",
             "P99", "P99.9", "longest");
  for (int i = 1; i < argc; ++i) regroup::measure(argv[i]);
  if (argc > 1) return 0;
  for (const regroup::PolicyPlugin* policy : regroup::kBuiltinPolicies)
    regroup::measure(policy->name);
}
