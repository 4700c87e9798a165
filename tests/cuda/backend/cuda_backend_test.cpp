// The backend that serves on GPUs, on emulated ones.
#include "runtime/cuda/backend/cuda_backend.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/errors.hpp"
#include "core/random.hpp"
#include "policies/builtin_policies.hpp"
#include "tests/cuda/support/emulated_machine.hpp"
#include "tests/support/loop_fixture.hpp"

namespace regroup::cuda {
namespace {

using namespace std::chrono_literals;
using testing::request;
using testing::TestCatalog;

constexpr int kRanks = 4;

// Steps of a few milliseconds.
TestCatalog cluster() {
  TestCatalog catalog({kRanks});
  catalog.encode = 1ms;
  catalog.decode = 1ms;
  catalog.dispatch_time = 50us;
  catalog.setup_time = 50us;
  catalog.migrate_time = 50us;
  return catalog;
}

std::vector<Request> random_requests(TestCatalog& catalog, std::uint64_t seed, int count) {
  RandomStream random(seed, "requests");
  std::vector<Request> requests;
  double at = 0;
  for (int i = 0; i < count; ++i) {
    at += random.exponential(200);
    const int width = 2 + 4 * static_cast<int>(random.below(3));
    const int steps = 2 + static_cast<int>(random.below(4));
    requests.push_back(request(catalog, at, width, steps, at + 2 * steps * width / 1000.0));
  }
  return requests;
}

std::unique_ptr<CudaBackend> emulated(const Catalog& catalog, CudaBackendOptions options) {
  const MemoryPlan plan = plan_node(options.node, kRanks, kRanks);
  return std::make_unique<CudaBackend>(catalog, emulated_machine(plan.heap), plan,
                                       std::move(options));
}

testing::RunOutput run_on(Backend& backend, TestCatalog& catalog, const std::string& policy_name,
                          const std::vector<Request>& requests, const PolicyParams& params = {}) {
  PolicyHandle policy(find_policy(policy_name, kBuiltinPolicies), params);
  return testing::run_on(backend, catalog, requests, policy);
}

void expect_all_finished(const testing::RunOutput& output, std::size_t count) {
  EXPECT_EQ(output.diary.outcomes.size(), count);
  for (const auto& outcome : output.diary.outcomes)
    EXPECT_EQ(outcome.end, RequestOutcome::End::kFinished);
}

// Of the kind that only takes time. That no state is lost, taken twice or taken for another's is
// checked by the ranks (Digest).
class EveryPolicy : public ::testing::TestWithParam<const PolicyPlugin*> {};

TEST_P(EveryPolicy, FinishesAllRequests) {
  TestCatalog catalog = cluster();
  const auto requests = random_requests(catalog, 1, 12);
  const auto backend = emulated(catalog, {});
  const auto output = run_on(*backend, catalog, GetParam()->name, requests);
  EXPECT_EQ(output.diary.outcomes.size(), 12u);
  for (const auto& outcome : output.diary.outcomes)
    EXPECT_NE(outcome.end, RequestOutcome::End::kUnfinished);
}

INSTANTIATE_TEST_SUITE_P(BuiltIn, EveryPolicy,
                         ::testing::ValuesIn(kBuiltinPolicies.begin(), kBuiltinPolicies.end()),
                         [](const auto& each) {
                           std::string name = each.param->name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(CudaBackend, EverySyncModeServes) {
  for (const SyncMode sync : {SyncMode::kSpin, SyncMode::kEvent}) {
    TestCatalog catalog = cluster();
    const auto requests = random_requests(catalog, 2, 10);
    CudaBackendOptions options;
    options.node.world.sync = sync;
    const auto backend = emulated(catalog, std::move(options));
    expect_all_finished(run_on(*backend, catalog, "elastic", requests), 10);
  }
}

TEST(CudaBackend, NeedsARankForEachGpu) {
  TestCatalog catalog({kRanks + 1});
  try {
    emulated(catalog, {});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("5 GPUs"), std::string::npos) << error.what();
  }
}

TEST(CudaBackend, SaysWhenStatesDoNotFit) {
  TestCatalog catalog = cluster();
  const auto requests = random_requests(catalog, 3, 12);
  CudaBackendOptions options;
  options.node.states = 1;
  options.patience = 200ms;
  const auto backend = emulated(catalog, std::move(options));
  try {
    run_on(*backend, catalog, "fcfs", requests);
    FAIL();
  } catch (const SystemError& error) {
    EXPECT_NE(std::string(error.what()).find("--states"), std::string::npos) << error.what();
  }
}

struct FaultCase {
  const char* fault;
  const char* report;
};
class Faults : public ::testing::TestWithParam<FaultCase> {};

TEST_P(Faults, AreReportedAndTheRequestsFinish) {
  TestCatalog catalog = cluster();
  const auto requests = random_requests(catalog, 4, 12);
  std::string reports;
  CudaBackendOptions options;
  options.patience = 300ms;
  options.faults = {serve::parse_fault(GetParam().fault)};
  options.report = [&](const std::string& line) { reports += line + "\n"; };
  const auto backend = emulated(catalog, std::move(options));
  const auto output = run_on(*backend, catalog, "fcfs", requests,
                             PolicyParams(std::map<std::string, std::string>{{"degree", "2"}}));
  expect_all_finished(output, 12);
  EXPECT_NE(reports.find(GetParam().report), std::string::npos) << reports;
}

// Rank 1 never works alone, so somebody waits for it whenever it is late; rank 0 encodes alone.
INSTANTIATE_TEST_SUITE_P(Each, Faults,
                         ::testing::Values(FaultCase{"kill:1@0.01", "rank 1 was killed"},
                                           FaultCase{"delay:1@0.01:0.8", "rank"},
                                           FaultCase{"swap:1@0.01", "rank 1"},
                                           FaultCase{"corrupt:0@0.01", "the state of request"}),
                         [](const auto& each) {
                           const std::string text = each.param.fault;
                           return text.substr(0, text.find(':'));
                         });

}  // namespace
}  // namespace regroup::cuda
