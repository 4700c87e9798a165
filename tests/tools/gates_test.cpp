#include "tools/compare/gates.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/errors.hpp"

namespace regroup::tools {
namespace {

TEST(Gates, TheLimitItselfIsAllowed) {
  EXPECT_TRUE((Gate{"max-slo-gap", "all", 0.3 - 0.1, 0.2}.kept()));  // 0.19999999999999998
  EXPECT_TRUE((Gate{"max-slo-gap", "all", 0.1 + 0.2, 0.3}.kept()));  // 0.30000000000000004
  EXPECT_FALSE((Gate{"max-slo-gap", "all", 0.2001, 0.2}.kept()));
  EXPECT_FALSE((Gate{"max-latency-gap", "mean", std::nan(""), 0.2}.kept()));
}

TEST(Gates, CheckNamesWhatFailed) {
  EXPECT_NO_THROW(check({{"max-slo-gap", "all requests", 0.01, 0.02}}));
  try {
    check({{"max-slo-gap", "all requests", 0.01, 0.02}, {"max-step-error", "steps", 0.1, 0.05}});
    FAIL();
  } catch (const CheckFailed& error) {
    EXPECT_STREQ(error.what(), "max-step-error, steps: 0.1000, at most 0.0500 allowed");
  }
}

TEST(Gates, JUnitCountsAndEscapes) {
  EXPECT_EQ(junit({{"max-slo-gap", "all requests", 0.01, 0.02},
                   {"max-class-slo-gap", "class <\"a\"&b>", 0.5, 0.02}}),
            R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="regroup compare" tests="2" failures="1" errors="0">
  <testcase classname="regroup.compare" name="max-slo-gap, all requests"/>
  <testcase classname="regroup.compare" name="max-class-slo-gap, class &lt;&quot;a&quot;&amp;b&gt;">
    <failure message="max-class-slo-gap, class &lt;&quot;a&quot;&amp;b&gt;: 0.5000, at most 0.0200 allowed"/>
  </testcase>
</testsuite>
)");
}

}  // namespace
}  // namespace regroup::tools
