#include "tools/compare/attribution.hpp"

#include "tests/tools/compare_fixture.hpp"
#include "tools/compare/compare_report.hpp"

namespace regroup::tools {
namespace {

using Part = Attribution::Part;

class AttributionTest : public CompareTest {
 protected:
  // "Measured" with one set of costs, predicted with another.
  Comparison compared(const Experiment& simulated, const Experiment& measured) {
    CompareOptions options;
    options.limits.slo_gap = 0.005;
    options.hints.calibrations = simulated.platform.calibrations;
    return compare(simulate("a", simulated), simulate("b", measured), options);
  }

  static void expect_sums(const Attribution& a) {
    const Level total = a.measured - a.simulated;
    EXPECT_NEAR(a.cost_model().slo_violation_rate + a.overheads().slo_violation_rate +
                    a.rest().slo_violation_rate,
                total.slo_violation_rate, 1e-12);
    EXPECT_NEAR(
        a.cost_model().latency_mean_s + a.overheads().latency_mean_s + a.rest().latency_mean_s,
        total.latency_mean_s, 1e-9);
  }
};

TEST(Attribution, ViolationsComeBeforeLatency) {
  Attribution a;
  a.with_steps = {0.01, 1};       // cost model: +0.01, +1 s
  a.with_overheads = {0.01, 50};  // overheads: 0, +49 s
  a.measured = {0.01, 50};
  EXPECT_EQ(a.largest(), Part::kCostModel);
  EXPECT_TRUE(a.in_violations());
  a.with_steps.slo_violation_rate = a.with_overheads.slo_violation_rate = 0;
  a.measured.slo_violation_rate = 0;
  EXPECT_EQ(a.largest(), Part::kOverheads);
  EXPECT_FALSE(a.in_violations());
  EXPECT_EQ(Attribution{}.largest(), Part::kNone);
}

TEST(Attribution, TheMainCellLeavesLeastToExplain) {
  Attribution a;
  a.with_steps = {0.02, 3};
  const auto cell = [](const char* model, Level effect) {
    Attribution::CellEffect each;
    each.cell.cell.model = model;
    each.effect = effect;
    return each;
  };
  a.cells = {cell("too much", {0.05, 3}), cell("most", {0.015, 1}), cell("less", {0.01, 3})};
  ASSERT_TRUE(a.main_cell());
  EXPECT_EQ(a.main_cell()->cell.cell.model, "most");
  a.cells = {cell("the other way", {-0.01, -1}), cell("nothing", {0, 0})};
  EXPECT_FALSE(a.main_cell());
}

TEST_F(AttributionTest, AWrongCalibrationIsFoundAndNamed) {
  const Comparison c = compared(with_calibration(calibration("good.json", 0.1)),
                                with_calibration(calibration("slow.json", 0.11)));
  EXPECT_THROW(check(c.gates), CheckFailed);

  ASSERT_TRUE(c.steps);
  const CellError& worst = c.steps->cells.front();
  EXPECT_EQ(worst.cell.model, "FLUX.1-dev");
  EXPECT_EQ(worst.cell.shape, (Shape{1024, 1024, 1}));
  EXPECT_EQ(worst.cell.layout.size(), 2);
  EXPECT_EQ(worst.steps, 60 * 20);
  EXPECT_NEAR(worst.error(), 0.1, 1e-6);
  EXPECT_NEAR(worst.worst, 0.1, 1e-6);
  for (std::size_t i = 1; i < c.steps->cells.size(); ++i)
    EXPECT_LT(std::abs(c.steps->cells[i].error()), 1e-6);

  ASSERT_TRUE(c.attribution) << c.no_attribution;
  const Attribution& a = *c.attribution;
  expect_sums(a);
  EXPECT_EQ(a.largest(), Part::kCostModel);
  EXPECT_NEAR(a.cost_model().slo_violation_rate, c.overall.gap.mean, 1e-12);
  EXPECT_NEAR(a.rest().latency_mean_s, 0, 1e-6);
  ASSERT_EQ(a.cells.size(), 1u);
  ASSERT_TRUE(a.main_cell());
  EXPECT_EQ(a.main_cell()->cell.cell, worst.cell);
  EXPECT_NEAR(a.main_cell()->effect.latency_mean_s, a.cost_model().latency_mean_s, 1e-6);
  EXPECT_NE(compare_report(c, TableFormat::kText)
                .find("comes from the cost model, and there from FLUX.1-dev 1024x1024, denoise on "
                      "2 GPUs (cfg1.u2.r1): +10.00 %."),
            std::string::npos);
}

// The same with the wrong file on the simulated side.
TEST_F(AttributionTest, AnErrorInThePredictionHasTheOtherSign) {
  const Comparison c = compared(with_calibration(calibration("slow.json", 0.11)),
                                with_calibration(calibration("good.json", 0.1)));
  ASSERT_TRUE(c.attribution) << c.no_attribution;
  EXPECT_LT(c.overall.gap.mean, 0);
  EXPECT_EQ(c.attribution->largest(), Part::kCostModel);
  EXPECT_NEAR(c.attribution->main_cell()->cell.error(), -1.0 / 11, 1e-6);
}

// Only one entry was given; that of the other shape is scaled from it.
TEST_F(AttributionTest, AnInferredEntryPointsToTheGivenOne) {
  const auto one = [&](const char* name, double seconds) {
    return with_calibration(
        write(name, fmt::format(R"({{"format": "regroup-calibration", "version": 1,
 "model": "FLUX.1-dev", "gpu": "H100", "source": "a test", "steps": [{{"width": 512, "height": 512,
 "frames": 1, "layout": {{"ulysses": 2}}, "forwards": 1, "seconds": {}}}]}})",
                                seconds)));
  };
  const Comparison c = compared(one("good.json", 0.04), one("slow.json", 0.044));
  ASSERT_TRUE(c.attribution) << c.no_attribution;
  const Attribution& a = *c.attribution;
  EXPECT_EQ(a.largest(), Part::kCostModel);
  ASSERT_TRUE(a.main_cell());
  EXPECT_EQ(a.main_cell()->cell.cell.shape, (Shape{1024, 1024, 1}));
  const auto given = a.inferred_from(a.main_cell()->cell);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->cell.shape, (Shape{512, 512, 1}));
  EXPECT_FALSE(a.inferred_from(*given));
}

TEST_F(AttributionTest, OverheadsAreToldFromSteps) {
  const std::string slow_start =
      R"(, "overheads": {"dispatch_us": 60000, "group_setup_us": 90000})";
  const Comparison c = compared(with_calibration(calibration("good.json", 0.1)),
                                with_calibration(calibration("slow.json", 0.1, slow_start)));
  ASSERT_TRUE(c.attribution) << c.no_attribution;
  const Attribution& a = *c.attribution;
  expect_sums(a);
  EXPECT_EQ(a.largest(), Part::kOverheads);
  EXPECT_NEAR(a.cost_model().latency_mean_s, 0, 1e-6);
  EXPECT_NEAR(a.rest().latency_mean_s, 0, 1e-6);
  EXPECT_GT(a.overheads().latency_mean_s, 0.2);
  EXPECT_NEAR(c.steps->dispatch.measured_s / static_cast<double>(c.steps->dispatch.runs), 0.06,
              1e-9);
  EXPECT_NEAR(c.steps->setup.measured_s / static_cast<double>(c.steps->setup.runs), 0.09, 1e-9);
}

TEST_F(AttributionTest, OtherDecisionsAreToldFromCosts) {
  Experiment simulated = with_calibration(calibration("good.json", 0.1));
  Experiment measured = simulated;
  measured.params = {{"degree", "4"}};
  const Comparison c = compared(simulated, measured);
  ASSERT_TRUE(c.attribution) << c.no_attribution;
  const Attribution& a = *c.attribution;
  expect_sums(a);
  EXPECT_EQ(a.largest(), Part::kRest);
  EXPECT_EQ(a.cost_model().slo_violation_rate, 0);
  EXPECT_NEAR(a.cost_model().latency_mean_s, 0, 1e-6);
  EXPECT_TRUE(a.cells.empty());
  ASSERT_TRUE(c.divergence);
  EXPECT_TRUE(c.divergence->found);
}

// What a run is said to be must be what it was.
TEST_F(AttributionTest, ARunThatDoesNotComeOutAgainIsNotExplained) {
  const Experiment e = with_calibration(calibration("good.json", 0.1));
  const auto a = simulate("a", e), b = simulate("b", e);
  CompareOptions options;
  EXPECT_TRUE(compare(a, b, options).attribution) << "the folder says where its calibration lies";
  options.hints.calibrations = {calibration("other.json", 0.15)};
  const Comparison c = compare(a, b, options);
  EXPECT_FALSE(c.attribution);
  EXPECT_NE(c.no_attribution.find("does not come out again"), std::string::npos);
}

TEST_F(AttributionTest, JitterIsNoGap) {
  Experiment jittered;
  jittered.jitter = 0.02;
  jittered.seed = 3;
  const Comparison c = compared({}, jittered);
  ASSERT_TRUE(c.steps);
  EXPECT_LT(std::abs(c.steps->worst_step()->error()), 0.01);
  EXPECT_GT(std::abs(c.steps->cells.front().worst), 0.003);
  ASSERT_TRUE(c.attribution) << c.no_attribution;
  EXPECT_TRUE(c.attribution->cells.empty());
}

}  // namespace
}  // namespace regroup::tools
