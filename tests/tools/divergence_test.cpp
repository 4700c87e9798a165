#include "tools/compare/divergence.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "core/errors.hpp"
#include "tests/support/journal_text.hpp"

namespace regroup::tools {
namespace {

using std::chrono::nanoseconds;
using testing::journal_bytes;

constexpr const char* kRun =
    "d 10 place 0 0 0 cfg1.u1.r1 1\n"
    "e 20 end 0 1 1 0 0 9\n"
    "d 20 place 1 1 0,1 cfg1.u2.r1 50\n"
    "d 30 wake 90\n"
    "d 40 preempt 1\n"
    "d 50 reject 7\n";

Divergence compared(const std::string& a, const std::string& b,
                    std::optional<Duration> tolerance = {}) {
  std::istringstream left(journal_bytes(a)), right(journal_bytes(b));
  return first_divergence({left, "a"}, {right, "b"}, tolerance);
}

std::string changed(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(Divergence, EqualRunsAgreeThroughout) {
  const Divergence d = compared(kRun, kRun);
  EXPECT_FALSE(d.found);
  EXPECT_EQ(d.agreed, 5u);
  EXPECT_TRUE(d.simulated_near.empty());
}

TEST(Divergence, EventsAndInstantsMayDiffer) {
  std::string other = changed(kRun, "e 20 end 0 1 1 0 0 9", "e 25 end 0 1 2 0 0 13");
  other = changed(other, "d 20 place", "d 25 place");
  other = changed(other, "wake 90", "wake 95");
  EXPECT_FALSE(compared(kRun, other).found);
}

TEST(Divergence, AToleranceHoldsForInstantsAndWakes) {
  const std::string late = changed(kRun, "d 20 place", "d 25 place");
  EXPECT_FALSE(compared(kRun, late, nanoseconds(5)).found);
  EXPECT_EQ(compared(kRun, late, nanoseconds(4)).agreed, 1u);
  const std::string wake = changed(kRun, "wake 90", "wake 99");
  EXPECT_EQ(compared(kRun, wake, nanoseconds(8)).agreed, 2u);
}

TEST(Divergence, EveryPartOfADecisionCounts) {
  const std::pair<const char*, const char*> changes[] = {{"0,1 cfg1.u2.r1", "0,2 cfg1.u2.r1"},
                                                         {"cfg1.u2.r1 50", "cfg1.u1.r2 50"},
                                                         {"cfg1.u2.r1 50", "cfg1.u2.r1 49"},
                                                         {"place 1 1 ", "place 1 2 "},
                                                         {"place 1 1 ", "place 2 1 "}};
  for (const auto& [from, to] : changes) {
    const Divergence d = compared(kRun, changed(kRun, from, to));
    EXPECT_TRUE(d.found) << to;
    EXPECT_EQ(d.agreed, 1u) << to;
  }
  EXPECT_EQ(compared(kRun, changed(kRun, "preempt 1", "preempt 0")).agreed, 3u);
  EXPECT_EQ(compared(kRun, changed(kRun, "reject 7", "reject 8")).agreed, 4u);
}

TEST(Divergence, ShowsTheNeighbours) {
  const Divergence d = compared(kRun, changed(kRun, "preempt 1", "preempt 0"));
  ASSERT_EQ(d.simulated_near.size(), 4u);  // two before, itself, the one left
  EXPECT_EQ(d.simulated_near[0].number, 2u);
  EXPECT_EQ(d.simulated_near[2].what, "preempt run 1");
  EXPECT_EQ(d.measured_near[2].what, "preempt run 0");
  EXPECT_EQ(d.measured_near[3].what, "reject 7");
  EXPECT_EQ(d.simulated, 5u);
}

TEST(Divergence, ARunThatEndsEarlyDiffersThere) {
  const Divergence d = compared(kRun, "d 10 place 0 0 0 cfg1.u1.r1 1\n");
  EXPECT_TRUE(d.found);
  EXPECT_EQ(d.agreed, 1u);
  EXPECT_EQ(d.simulated, 5u);
  EXPECT_EQ(d.measured, 1u);
}

// Task numbers count in the order in which tasks became ready, which is no decision.
TEST(Divergence, TasksAreKnownByTheirRequests) {
  const std::string other = changed(kRun, "place 1 1 ", "place 1 2 ");
  const auto of = [](const char* request) {
    return [request](std::uint64_t) { return std::string("denoise of ") + request; };
  };
  const auto agreed = [&](const char* in_a, const char* in_b) {
    std::istringstream left(journal_bytes(kRun)), right(journal_bytes(other));
    return first_divergence({left, "a", of(in_a)}, {right, "b", of(in_b)}, {}).agreed;
  };
  EXPECT_EQ(agreed("r1", "r1"), 5u);
  EXPECT_EQ(agreed("r1", "r2"), 0u);
}

TEST(Divergence, WhatIsNotAJournalIsRefused) {
  std::istringstream left("id,class\n"), right(journal_bytes(""));
  EXPECT_THROW(first_divergence({left, "a"}, {right, "b"}, {}), ConfigError);
}

}  // namespace
}  // namespace regroup::tools
