#include "runtime/host/host_backend.hpp"

#include <gtest/gtest.h>

#include "core/random.hpp"
#include "policies/builtin_policies.hpp"
#include "sim/sim_backend.hpp"
#include "tests/support/loop_fixture.hpp"

namespace regroup::host {
namespace {

using namespace std::chrono_literals;
using testing::request;
using testing::TestCatalog;

TestCatalog cluster(int gpus = 8) {
  TestCatalog catalog({gpus});
  catalog.dispatch_time = 50us;
  catalog.setup_time = 300us;
  catalog.migrate_time = 200us;
  return catalog;
}

std::vector<Request> random_requests(TestCatalog& catalog, std::uint64_t seed, int count,
                                     double per_s) {
  RandomStream random(seed, "requests");
  std::vector<Request> requests;
  double at = 0;
  for (int i = 0; i < count; ++i) {
    at += random.exponential(per_s);
    const int width = 20 + 40 * static_cast<int>(random.below(3));
    const int steps = 3 + static_cast<int>(random.below(6));
    const double length = 0.030 + steps * width / 1000.0;
    requests.push_back(request(catalog, at, width, steps, at + 1.8 * length));
  }
  return requests;
}

testing::RunOutput run_on(Backend& backend, TestCatalog& catalog, const std::string& policy_name,
                          const std::vector<Request>& requests, const PolicyParams& params = {}) {
  PolicyHandle policy(find_policy(policy_name, kBuiltinPolicies), params);
  return testing::run_on(backend, catalog, requests, policy);
}

// The real runtime under a virtual clock takes the decisions of the simulator, at the same
// nanosecond.
class HostAgainstSim : public ::testing::TestWithParam<const PolicyPlugin*> {};

TEST_P(HostAgainstSim, SameJournal) {
  for (const std::uint64_t seed : {1u, 2u}) {
    const Jitter jitter{.spread = seed == 2 ? 0.01 : 0, .seed = seed};
    TestCatalog for_sim = cluster();
    const auto requests = random_requests(for_sim, seed, 60, 30);
    sim::SimBackend simulator(for_sim, {.jitter = jitter});
    const auto simulated = run_on(simulator, for_sim, GetParam()->name, requests);
    TestCatalog for_host = cluster();
    random_requests(for_host, seed, 60, 30);  // the same shapes
    HostOptions options;
    options.jitter = jitter;
    HostBackend host(for_host, std::move(options));
    const auto measured = run_on(host, for_host, GetParam()->name, requests);
    EXPECT_EQ(measured.journal, simulated.journal) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(BuiltIn, HostAgainstSim,
                         ::testing::ValuesIn(kBuiltinPolicies.begin(), kBuiltinPolicies.end()),
                         [](const auto& each) {
                           std::string name = each.param->name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(HostBackend, OnTheMachinesClockEverythingEndsAndTimesAddUp) {
  TestCatalog catalog = cluster(4);
  const auto requests = random_requests(catalog, 3, 12, 30);
  HostOptions options;
  options.virtual_clock = false;
  HostBackend host(catalog, std::move(options));
  const auto output = run_on(host, catalog, "elastic", requests);
  EXPECT_EQ(output.diary.outcomes.size(), 12u);
  for (const auto& outcome : output.diary.outcomes)
    EXPECT_EQ(outcome.end, RequestOutcome::End::kFinished);
}

class Faults : public ::testing::TestWithParam<std::tuple<std::string, std::string, bool>> {};

TEST_P(Faults, AreReportedAndTheRequestsFinish) {
  const auto& [text, report, virtual_clock] = GetParam();
  TestCatalog catalog = cluster(4);
  const auto requests = random_requests(catalog, 4, 15, 30);
  std::string reports;
  HostOptions options;
  options.virtual_clock = virtual_clock;
  options.patience = 300ms;
  options.faults = {serve::parse_fault(text)};
  options.report = [&](const std::string& line) { reports += line + "\n"; };
  HostBackend host(catalog, std::move(options));
  const auto output = run_on(host, catalog, "fcfs", requests,
                             PolicyParams(std::map<std::string, std::string>{{"degree", "2"}}));
  EXPECT_EQ(output.diary.outcomes.size(), 15u);
  for (const auto& outcome : output.diary.outcomes)
    EXPECT_EQ(outcome.end, RequestOutcome::End::kFinished);
  EXPECT_NE(reports.find(report), std::string::npos) << reports;
}

INSTANTIATE_TEST_SUITE_P(Each, Faults,
                         ::testing::Combine(::testing::Values("kill:1@0.1"),
                                            ::testing::Values("rank 1 was killed"),
                                            ::testing::Bool()));
// In the very first step of a request, of which there is no snapshot yet.
INSTANTIATE_TEST_SUITE_P(FirstStep, Faults,
                         ::testing::Combine(::testing::Values("kill:0@0"),
                                            ::testing::Values("rank 0 was killed"),
                                            ::testing::Bool()));
// Rank 1 never works alone, so somebody waits for it whenever it is late; rank 0 encodes alone.
INSTANTIATE_TEST_SUITE_P(Delay, Faults,
                         ::testing::Combine(::testing::Values("delay:1@0.1:2"),
                                            ::testing::Values("rank"), ::testing::Bool()));
INSTANTIATE_TEST_SUITE_P(Swap, Faults,
                         ::testing::Combine(::testing::Values("swap:1@0.1"),
                                            ::testing::Values("rank 1"), ::testing::Bool()));
INSTANTIATE_TEST_SUITE_P(Corrupt, Faults,
                         ::testing::Combine(::testing::Values("corrupt:0@0.1"),
                                            ::testing::Values("the state of request"),
                                            ::testing::Bool()));

}  // namespace
}  // namespace regroup::host
