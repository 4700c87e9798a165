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

// By eight long requests on four GPUs: a step ends, the policy thinks, the next one begins.
std::int64_t allocated_for_long_requests(const char* policy_name, int steps) {
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
  const std::int64_t before = allocations;
  ControlLoop({.backend = backend,
               .policy = policy,
               .catalog = catalog,
               .requests = source,
               .classes = classes,
               .observers = {&conservation, &metrics}})
      .run();
  return allocations - before;
}

TEST(Allocation, IsCounted) {
  const std::int64_t before = allocations;
  const auto memory = std::make_unique<int>(1);
  EXPECT_EQ(allocations, before + 1);
}

// Requests have their own costs, and what is first of its kind: the same however long they are.
TEST(Allocation, DoesNotGrowWithSteps) {
  for (const char* policy : {"edf-greedy", "edf-best-fit"}) {
    SCOPED_TRACE(policy);
    EXPECT_EQ(allocated_for_long_requests(policy, 2000), allocated_for_long_requests(policy, 500));
  }
}

}  // namespace
}  // namespace regroup::testing
