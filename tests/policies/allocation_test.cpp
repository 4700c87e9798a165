// A step costs no allocation: not in the loop, not in the simulator, not in a policy that decides
// at every step. This program counts what every thread allocates.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <new>

#include "core/metrics.hpp"
#include "policies/builtin_policies.hpp"
#include "tests/support/loop_fixture.hpp"

namespace {
thread_local std::int64_t allocations = 0;
}

// Not inlined: a compiler that sees only one of the two takes malloc and delete for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace regroup::testing {
namespace {

// Notes what was allocated at the end of every run, in place.
class AllocationLog final : public Observer {
 public:
  explicit AllocationLog(std::size_t capacity) : at_run(capacity) {}
  void on_run_end(const RunRecord&) override {
    if (runs < at_run.size()) at_run[runs++] = allocations;
  }
  std::vector<std::int64_t> at_run;
  std::size_t runs = 0;
};

// Eight long requests on four GPUs: a step ends, the policy thinks, the next one begins.
AllocationLog simulate_long_requests(const char* policy_name, int steps) {
  TestCatalog catalog({4});
  std::vector<Request> requests;
  for (int i = 0; i < 8; ++i) requests.push_back(request(catalog, 0.013 * i, 17 + i, steps, 1e6));
  PolicyHandle policy(find_policy(policy_name, kBuiltinPolicies), {});
  sim::SimBackend backend(catalog, {});
  NameTable<ClassId> classes;
  classes.intern("");
  ListSource source(std::move(requests));
  Conservation conservation(catalog.gpus().size());
  Metrics metrics(catalog.gpus().size(), classes);
  AllocationLog log(static_cast<std::size_t>(8 * steps));
  ControlLoop({.backend = backend,
               .policy = policy,
               .catalog = catalog,
               .requests = source,
               .classes = classes,
               .observers = {&conservation, &metrics, &log}})
      .run();
  return log;
}

TEST(Allocation, IsCounted) {
  const std::int64_t before = allocations;
  const auto memory = std::make_unique<int>(1);
  EXPECT_EQ(allocations, before + 1);
}

TEST(Allocation, NoneForAStepOnceWarm) {
  for (const char* policy : {"edf-greedy", "edf-best-fit"}) {
    SCOPED_TRACE(policy);
    const AllocationLog log = simulate_long_requests(policy, 500);
    ASSERT_EQ(log.runs, log.at_run.size());
    // Ends of requests have their own costs; none of them ends in the middle.
    EXPECT_EQ(log.at_run[log.runs / 2] - log.at_run[log.runs / 8], 0);
  }
}

}  // namespace
}  // namespace regroup::testing
