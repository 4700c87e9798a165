// Every built-in policy, through the same test kit that policy authors have (regroup policy check).
// tests/host runs them all on the host backend.
#include <gtest/gtest.h>

#include "policies/builtin_policies.hpp"
#include "regroup/policy/policy.hpp"
#include "tools/check/policy_check.hpp"

namespace regroup {
namespace {

class Conformance : public ::testing::TestWithParam<const PolicyPlugin*> {};

TEST_P(Conformance, KeepsTheContract) {
  const auto results = tools::check_policy(GetParam()->name, {});
  EXPECT_EQ(results.size(), 5u * 6u + 1u);  // six checks for each of five cases, and starvation
  for (const tools::CheckResult& result : results)
    EXPECT_EQ(result.problem, "") << result.check << "\n" << result.reproduce;
}

INSTANTIATE_TEST_SUITE_P(BuiltIn, Conformance,
                         ::testing::ValuesIn(kBuiltinPolicies.begin(), kBuiltinPolicies.end()),
                         [](const auto& each) {
                           std::string name = each.param->name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace regroup
