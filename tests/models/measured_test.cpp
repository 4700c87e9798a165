#include "models/measured.hpp"

#include "models/json.hpp"
#include "models/library.hpp"
#include "models/model_costs.hpp"
#include "tests/models/expect_config_error.hpp"

namespace regroup::models {
namespace {

const ModelCard& flux() { return Library::builtin().card("FLUX.1-dev"); }

// Stands in for the analytic form: in proportion to the latent tokens, shared by all GPUs.
double per_token(Shape shape, int, Layout layout) {
  return static_cast<double>(flux().latent_tokens(shape)) / layout.size();
}

Calibration calibration(std::vector<CalibrationStep> steps, std::string source = "somewhere") {
  Calibration c;
  c.model = "FLUX.1-dev";
  c.gpu = "H100";
  c.source = std::move(source);
  c.steps = std::move(steps);
  return c;
}

CalibrationStep row(int size, double seconds, Layout layout = {}) {
  return {.shape = {size, size, 1}, .layout = layout, .seconds = seconds};
}

TEST(Measured, ExactAtTheMeasuredAndStraightBetween) {
  MeasuredModel model(flux());
  model.add(calibration({row(512, 2), row(1024, 10)}), 0);
  const auto at = [&](Shape shape) { return *model.step(shape, 1, {}, per_token); };
  EXPECT_DOUBLE_EQ(at({512, 512, 1}).seconds, 2);
  EXPECT_DOUBLE_EQ(at({1024, 1024, 1}).seconds, 10);
  EXPECT_FALSE(at({1024, 1024, 1}).scaled);
  EXPECT_EQ(at({1024, 1024, 1}).citation, "somewhere");
  // 1024 and 4096 tokens; 2560 lies halfway.
  EXPECT_DOUBLE_EQ(at({1280, 512, 1}).seconds, 2 + 8.0 * (2560 - 1024) / 3072);
  EXPECT_FALSE(at({1280, 512, 1}).scaled);
}

TEST(Measured, OutsideTheAnalyticFormScaled) {
  MeasuredModel model(flux());
  model.add(calibration({row(512, 2048), row(1024, 4096)}), 0);
  const Estimate larger = *model.step({2048, 2048, 1}, 1, {}, per_token);
  EXPECT_TRUE(larger.scaled);
  EXPECT_DOUBLE_EQ(larger.seconds, 16384.0 * 4096 / 4096);
  const Estimate smaller = *model.step({256, 256, 1}, 1, {}, per_token);
  EXPECT_DOUBLE_EQ(smaller.seconds, 256.0 * 2048 / 1024);
}

TEST(Measured, AnotherLayoutScaledFromTheMostSimilar) {
  MeasuredModel model(flux());
  model.add(calibration({row(512, 1024), row(512, 3 * 1024 / 4.0, {.ulysses = 4})}), 0);
  const Estimate eight = *model.step({512, 512, 1}, 1, {.ulysses = 8}, per_token);
  EXPECT_TRUE(eight.scaled);
  EXPECT_DOUBLE_EQ(eight.seconds, 3 * 1024 / 8.0);
  EXPECT_EQ(MeasuredModel(flux()).step({512, 512, 1}, 1, {}, per_token), std::nullopt);
}

TEST(Measured, ChecksAreNotUsedAndLaterFilesArePreferred) {
  MeasuredModel model(flux());
  CalibrationStep check = row(512, 99);
  check.use = CalibrationStep::Use::kCheck;
  model.add(calibration({row(512, 2), row(1024, 10), check}), 0);
  EXPECT_DOUBLE_EQ(model.step({512, 512, 1}, 1, {}, per_token)->seconds, 2);
  // A user's own series takes the place of the built-in one as a whole.
  model.add(calibration({row(512, 3)}, "mine"), 1);
  EXPECT_DOUBLE_EQ(model.step({512, 512, 1}, 1, {}, per_token)->seconds, 3);
  EXPECT_TRUE(model.step({1024, 1024, 1}, 1, {}, per_token)->scaled);
  EXPECT_EQ(model.step({1024, 1024, 1}, 1, {}, per_token)->citation, "mine");
}

TEST(Measured, LayoutsAreTheMeasuredForms) {
  MeasuredModel model(flux());
  model.add(calibration({row(512, 1, {.ulysses = 2}), row(512, 0.95, {.ring = 2}),
                         row(512, 1, {.ulysses = 4}), row(512, 0.5, {.ulysses = 2, .ring = 2})}),
            0);
  EXPECT_EQ(model.layouts(1), (std::vector<Layout>{{.ulysses = 2},  // hardly slower than by ring
                                                   {.ulysses = 2, .ring = 2}}));  // twice as fast
  // Measured at more shapes: it is known better.
  model.add(calibration({row(1024, 4, {.ulysses = 4})}), 0);
  EXPECT_EQ(model.layouts(1)[1], (Layout{.ulysses = 4}));
  EXPECT_TRUE(model.layouts(2).empty());
}

TEST(Measured, RowsTheModelCannotHaveAreRefused) {
  MeasuredModel model(flux());
  expect_refused([&] { model.add(calibration({row(500, 1)}), 0); }, {"somewhere", "multiples"});
  expect_refused([&] { model.add(calibration({row(512, 1, {.ulysses = 5})}), 0); },
                 {"somewhere", "24 heads"});
}

TEST(Measured, StagesInVoxels) {
  MeasuredModel model(flux());
  Calibration c = calibration({});
  c.stages = {{"decode", {512, 512, 1}, 1}, {"decode", {1024, 1024, 1}, 4}};
  model.add(c, 0);
  EXPECT_DOUBLE_EQ(model.stage(2, {512, 512, 1})->seconds, 1);
  EXPECT_DOUBLE_EQ(model.stage(2, {1024, 512, 1})->seconds, 2);
  EXPECT_DOUBLE_EQ(model.stage(2, {2048, 1024, 1})->seconds, 8);
  EXPECT_FALSE(model.stage(0, {512, 512, 1}).has_value());
  c.stages = {{"upscale", {512, 512, 1}, 1}};
  expect_refused([&] { model.add(c, 0); }, {"upscale", "FLUX.1-dev"});
}

// Every published row that is in the tables comes out again as it went in.
TEST(Measured, BuiltInTablesAreExactAtTheirRows) {
  const Library& library = Library::builtin();
  int rows = 0;
  for (const Calibration& c : library.calibrations()) {
    const ModelCard& card = library.card(c.model);
    const GpuKind& gpu = *library.gpu(c.gpu);
    ModelCosts costs(library, card, gpu, 8);
    for (const Calibration& other : library.calibrations())
      if (other.model == c.model && other.gpu == c.gpu) costs.measured().add(other, 0);
    for (const CalibrationStep& step : c.steps) {
      if (step.use == CalibrationStep::Use::kCheck) continue;
      const Estimate estimate =
          costs.estimate(card.stages.denoise(), step.shape, step.forwards, step.layout);
      EXPECT_DOUBLE_EQ(estimate.seconds, step.seconds) << c.source << step.shape.width;
      EXPECT_FALSE(estimate.scaled);
      ++rows;
    }
  }
  EXPECT_GT(rows, 200);
}

TEST(Calibration, BadInputIsRefusedByKey) {
  const auto parse = [](const std::string& row_text) {
    return Calibration::parse(
        Json::parse(R"({"format": "regroup-calibration", "version": 1, "model": "m", "gpu": "g",
                        "source": "s", "steps": [)" +
                        row_text + "]}",
                    "c.json"));
  };
  const std::string good =
      R"({"width": 8, "height": 8, "frames": 1, "layout": {"ulysses": 2}, "forwards": 2,
          "seconds": 1})";
  EXPECT_EQ(parse(good).steps[0].layout, (Layout{.ulysses = 2}));
  const auto refused = [&](const std::string& from, const std::string& to,
                           std::initializer_list<std::string> named) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    expect_refused([&] { parse(text); }, named);
  };
  refused("\"ulysses\"", "\"tensor\"", {"c.json: /steps/0/layout", "tensor", "ulysses"});
  refused("\"forwards\": 2", "\"forwards\": 3", {"/steps/0/forwards"});
  refused("\"seconds\": 1", "\"seconds\": 0", {"/steps/0/seconds"});
  refused("\"seconds\": 1", "\"seconds\": 1, \"use\": \"maybe\"", {"/use", "maybe", "anchor"});
  refused("\"ulysses\": 2", "\"ulysses\": 300", {"/ulysses", "32"});
}

TEST(Calibration, WhatIsWrittenIsReadBack) {
  for (const Calibration& c : Library::builtin().calibrations()) {
    const Calibration again = Calibration::parse(Json::parse(c.text(), "again.json"));
    EXPECT_EQ(again.text(), c.text());
    ASSERT_EQ(again.steps.size(), c.steps.size());
    EXPECT_EQ(again.steps.back().layout, c.steps.back().layout);
    EXPECT_EQ(again.steps.back().use, c.steps.back().use);
    EXPECT_DOUBLE_EQ(again.steps.back().seconds, c.steps.back().seconds);
  }
  Calibration c;
  c.model = "m";
  c.stages = {{"decode", {8, 16, 1}, 0.5}};
  c.group_setup_s = 60e-6;
  const Calibration again = Calibration::parse(Json::parse(c.text(), "again.json"));
  EXPECT_EQ(again.stages[0].shape, (Shape{8, 16, 1}));
  EXPECT_DOUBLE_EQ(*again.group_setup_s, 60e-6);
  EXPECT_FALSE(again.dispatch_s.has_value());
}

}  // namespace
}  // namespace regroup::models
