#include "tools/compare/comparison.hpp"

#include "models/json.hpp"
#include "tests/tools/compare_fixture.hpp"
#include "tools/compare/compare_report.hpp"

namespace regroup::tools {
namespace {

using ComparisonTest = CompareTest;

// The text of the ConfigError that the comparison ends with; empty if it does not.
std::string refusal(const std::filesystem::path& a, const std::filesystem::path& b,
                    const CompareOptions& options = {}) {
  try {
    compare(a, b, options);
    return "";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

#define EXPECT_MENTIONS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(ComparisonTest, ARunIsLikeItself) {
  Experiment e;
  e.slo = "alpha=0.7";
  const auto a = simulate("a", e), b = simulate("b", e);
  const Comparison c = compare(a, b, {});
  EXPECT_TRUE(c.warnings.empty());
  EXPECT_EQ(c.overall.requests, 120);
  EXPECT_GT(c.overall.simulated, 0);
  EXPECT_EQ(c.overall.gap.mean, 0);
  EXPECT_EQ(c.overall.gap.low, 0);
  EXPECT_EQ(c.overall.gap.high, 0);
  ASSERT_EQ(c.classes.size(), 2u);
  EXPECT_EQ(c.classes[0].name, "1024");
  EXPECT_EQ(c.latency.simulated.mean, c.latency.measured.mean);
  EXPECT_EQ(c.latency.max_relative, 0);
  ASSERT_TRUE(c.divergence);
  EXPECT_FALSE(c.divergence->found);
  EXPECT_GT(c.divergence->agreed, 300u);
  ASSERT_TRUE(c.steps);
  EXPECT_LT(std::abs(c.steps->worst_step()->error()), 1e-6);
  EXPECT_EQ(c.steps->expected_otherwise, 0);
  ASSERT_TRUE(c.attribution) << c.no_attribution;
  EXPECT_EQ(c.attribution->largest(), Attribution::Part::kNone);
  EXPECT_TRUE(c.attribution->cells.empty());
  EXPECT_NO_THROW(check(c.gates));
}

// What summary.json says of a run is what the comparison makes of its requests.
TEST_F(ComparisonTest, RatesAndLatenciesAreThoseOfTheRuns) {
  const auto a = simulate("a", {});
  const Comparison c = compare(a, a, {});
  const models::Json summary = models::Json::read(a / "summary.json");
  EXPECT_DOUBLE_EQ(c.overall.simulated, summary.number("slo_violation_rate"));
  EXPECT_NEAR(c.latency.simulated.mean, summary.number("latency_mean_s"), 1e-9);
  EXPECT_NEAR(c.latency.simulated.p95, summary.number("latency_p95_s"), 1e-9);
  EXPECT_NEAR(c.latency.measured.p99, summary.number("latency_p99_s"), 1e-9);
}

TEST_F(ComparisonTest, TheSimulatedRunIsThePredictionInEitherOrder) {
  const auto a = simulate("a", {}), b = simulate("b", {});
  replace_in(b / "provenance.json", "\"on\": \"sim\"", "\"on\": \"host\"");
  for (const Comparison& c : {compare(a, b, {}), compare(b, a, {})}) {
    EXPECT_EQ(c.simulated.path, a);
    EXPECT_EQ(c.measured.on(), "host");
  }
  replace_in(a / "provenance.json", "\"on\": \"sim\"", "\"on\": \"host\"");
  const Comparison c = compare(b, a, {});
  EXPECT_EQ(c.simulated.path, b);
  EXPECT_MENTIONS(c.no_attribution, "was not simulated");
}

TEST_F(ComparisonTest, RunsOfOtherRequestsAreRefused) {
  Experiment shorter, tighter;
  shorter.limit = 100;
  tighter.slo = "alpha=1.1";
  const auto a = simulate("a", {});
  EXPECT_MENTIONS(refusal(a, simulate("b", shorter)), "limit: '' in");
  EXPECT_MENTIONS(refusal(a, simulate("c", tighter)), "slo: 'trace' in");
  EXPECT_MENTIONS(refusal(a, scratch_), "no results here");
}

TEST_F(ComparisonTest, RequestsMustPair) {
  const auto a = simulate("a", {}), b = simulate("b", {});
  const std::string whole = read(b / "requests.csv");
  const std::size_t second = whole.find('\n') + 1;
  const std::string first_row = whole.substr(second, whole.find('\n', second) + 1 - second);

  write("b/requests.csv", whole + first_row);
  EXPECT_MENTIONS(refusal(a, b), "occurs twice");
  std::string lacking = whole;
  write("b/requests.csv", lacking.erase(second, first_row.size()));
  EXPECT_MENTIONS(refusal(a, b), "b: no request 'r");
  EXPECT_MENTIONS(refusal(b, a), "b: no request 'r");
  std::string renamed = whole;
  write("b/requests.csv", renamed.replace(second, first_row.find(','), "else"));
  EXPECT_MENTIONS(refusal(a, b), "no request");
  write("b/requests.csv", whole);
  replace_in(b / "requests.csv", "FLUX.1-dev,512,512", "FLUX.1-dev,768,512");
  EXPECT_MENTIONS(refusal(a, b), "class, model, shape, steps or arrival differ");
}

TEST_F(ComparisonTest, OtherDifferencesAreNoted) {
  Experiment other;
  other.seed = 5;
  const Comparison c = compare(simulate("a", {}), simulate("b", other), {});
  ASSERT_EQ(c.warnings.size(), 1u);
  EXPECT_MENTIONS(c.warnings[0], "the runs differ in seed: '0' in");
}

// The rule alpha follows the cost model, and so the slower run has later deadlines.
TEST_F(ComparisonTest, BothAreJudgedByOneSetOfDeadlines) {
  Experiment a = with_calibration(calibration("fast.json", 0.1));
  Experiment b = with_calibration(calibration("slow.json", 0.13));
  a.slo = b.slo = "alpha=1.2";
  a.params = b.params = {{"degree", "1"}};
  CompareOptions options;
  options.hints.calibrations = a.platform.calibrations;
  const Comparison c = compare(simulate("a", a), simulate("b", b), options);
  ASSERT_EQ(c.warnings.size(), 3u);
  EXPECT_MENTIONS(c.warnings[1], "120 of 120 requests had another deadline in");
  const double own_rate =
      models::Json::read(scratch_ / "b" / "summary.json").number("slo_violation_rate");
  EXPECT_LT(own_rate, 0.1);
  EXPECT_GE(c.overall.measured, 0.5);
  ASSERT_TRUE(c.attribution) << c.no_attribution;
  EXPECT_EQ(c.attribution->rest().slo_violation_rate, 0);
}

TEST_F(ComparisonTest, WithoutTasksOrJournalItSaysSo) {
  const auto a = simulate("a", {}), b = simulate("b", {});
  std::filesystem::remove(b / "tasks.csv");
  std::filesystem::remove(b / "journal");
  const Comparison c = compare(a, b, {});
  EXPECT_FALSE(c.divergence);
  EXPECT_MENTIONS(c.no_divergence, "journal");
  EXPECT_MENTIONS(c.no_steps, "tasks.csv");
  EXPECT_MENTIONS(c.no_attribution, "tasks.csv");
  CompareOptions strict;
  strict.limits.step_error = 0.1;
  EXPECT_MENTIONS(refusal(a, b, strict), "--max-step-error");
}

TEST_F(ComparisonTest, ATraceThatIsGoneOrAnotherLeavesTheRest) {
  const auto a = simulate("a", {}), b = simulate("b", {});
  std::filesystem::rename(scratch_ / "trace.csv", scratch_ / "moved.csv");
  EXPECT_MENTIONS(compare(a, b, {}).no_steps, "trace.csv");
  CompareOptions options;
  options.hints.trace = (scratch_ / "moved.csv").string();
  EXPECT_TRUE(compare(a, b, options).attribution);
  replace_in(scratch_ / "moved.csv", "\nr0,", "\nx0,");
  EXPECT_MENTIONS(compare(a, b, options).no_steps, "holds no request 'x0'");
}

TEST_F(ComparisonTest, LimitsBecomeGates) {
  Experiment wide;
  wide.params = {{"degree", "4"}};
  const auto a = simulate("a", {}), b = simulate("b", wide);
  CompareOptions options;
  options.attribute = false;
  const auto gates = [&] { return compare(a, b, options).gates; };
  ASSERT_EQ(gates().size(), 1u);  // the default
  EXPECT_EQ(gates()[0].allowed, kDefaultSloGap);
  EXPECT_THROW(check(gates()), CheckFailed);
  options.limits = {.slo_gap = 1, .class_slo_gap = 1, .latency_gap = 100, .step_error = 0.001};
  EXPECT_EQ(gates().size(), 6u);  // one, two classes, mean and P95, one
  EXPECT_NO_THROW(check(gates()));
  options.limits.latency_gap = 0.01;
  EXPECT_THROW(check(gates()), CheckFailed);
}

TEST_F(ComparisonTest, EveryFormatSaysTheSame) {
  Experiment wide;
  wide.params = {{"degree", "4"}};
  const Comparison c = compare(simulate("a", {}), simulate("b", wide), {});
  const models::Json json = models::Json::parse(compare_json(c), "report");
  json.expect_format("regroup-comparison");
  EXPECT_EQ(json.at("slo_violation_rate").number("gap"), c.overall.gap.mean);
  EXPECT_EQ(json.at("attribution").string("largest"), "rest");
  EXPECT_EQ(json.at("classes").items().size(), 2u);
  EXPECT_EQ(json.at("gates").items().size(), 1u);
  const std::string text = compare_report(c, TableFormat::kText);
  const std::string markdown = compare_report(c, TableFormat::kMarkdown);
  for (const std::string& report : {text, markdown}) {
    EXPECT_MENTIONS(report, "Where the gap comes from");
    EXPECT_MENTIONS(report, "Most of the gap in violations comes from decisions");
    EXPECT_MENTIONS(report, "NOT KEPT");
  }
  EXPECT_MENTIONS(markdown, "\n| class | requests |");
  EXPECT_EQ(text,
            compare_report(compare(c.simulated.path, c.measured.path, {}), TableFormat::kText));
}

}  // namespace
}  // namespace regroup::tools
