#include "models/platform.hpp"

#include <algorithm>
#include <fstream>
#include <set>

#include "models/cluster.hpp"
#include "models/communicators.hpp"
#include "models/library.hpp"
#include "models/memory.hpp"
#include "tests/models/expect_config_error.hpp"
#include "tests/support/temp_dir.hpp"

namespace regroup::models {
namespace {

constexpr std::size_t kEncode = 0, kDenoise = 1, kDecode = 2;

PlatformOptions on(const std::string& cluster,
                   PlatformOptions::Costs costs = PlatformOptions::Costs::kBest) {
  PlatformOptions options;
  options.cluster = cluster;
  options.costs = costs;
  return options;
}

Task task_of(ShapeId shape, std::size_t stage, int steps = 1) {
  Task task;
  task.shape_id = shape;
  task.stage = static_cast<std::uint8_t>(stage);
  task.kind = stage == kDenoise  ? StageKind::kDenoise
              : stage == kDecode ? StageKind::kDecode
                                 : StageKind::kEncode;
  task.steps_total = steps;
  return task;
}

ShapeId intern(Platform& platform, const char* model, Shape shape, double guidance = 5) {
  return platform.intern(*platform.find_model(model), shape, guidance);
}

TEST(Platform, NodesGpusAndNames) {
  const Platform platform(on("2x4xH20"));
  ASSERT_EQ(platform.gpus().size(), 8u);
  EXPECT_EQ(platform.gpus()[5].id, GpuId{5});
  EXPECT_EQ(platform.gpus()[5].node, NodeId{1});
  EXPECT_EQ(platform.gpus()[5].state, GpuState::kIdle);
  EXPECT_EQ(platform.nodes()[1].first, GpuId{4});
  EXPECT_FALSE(platform.find_model("nobody").has_value());
  EXPECT_EQ(platform.model_name(*platform.find_model("wan2.1-14b")), "Wan2.1-T2V-14B");
  EXPECT_EQ(platform.card_names().size(), 8u);
  EXPECT_EQ(platform.cluster().gpu().name, "H20");
}

TEST(Platform, ShapesAreNumberedByModelSizeAndGuidance) {
  Platform platform(on("8xH100"));
  const ShapeId a = intern(platform, "Qwen-Image", {1024, 1024, 1}, 4);
  EXPECT_EQ(intern(platform, "Qwen-Image", {1024, 1024, 1}, 7), a);  // on is on
  EXPECT_NE(intern(platform, "Qwen-Image", {1024, 1024, 1}, 1), a);
  EXPECT_NE(intern(platform, "SD3-medium", {1024, 1024, 1}, 4), a);
  expect_refused(
      [&] {
        intern(platform, "Qwen-Image", {1000, 1024, 1});
      },
      {"1000x1024", "Qwen-Image", "16"});
}

TEST(Platform, PublishedStepComesBack) {
  Platform platform(on("8xL20"));
  const ShapeId shape = intern(platform, "FLUX.1-dev", {1024, 1024, 1});
  // Hetu-DiT, L20, Ulysses 4.
  EXPECT_NEAR(to_seconds(platform.cost().predict(task_of(shape, kDenoise), {.ulysses = 4}, 1)),
              0.323625, 1e-9);
  EXPECT_TRUE(platform.source(shape, kDenoise, {.ulysses = 4}).starts_with("calibrated (Hetu"));
  EXPECT_TRUE(platform.source(shape, kDenoise, {.ulysses = 3}).starts_with("calibrated, scaled ("));
  EXPECT_TRUE(platform.source(shape, kEncode, {}).starts_with("analytic ("));
  Platform analytic(on("8xL20", PlatformOptions::Costs::kAnalytic));
  const ShapeId same = intern(analytic, "FLUX.1-dev", {1024, 1024, 1});
  EXPECT_TRUE(analytic.source(same, kDenoise, {.ulysses = 4}).starts_with("analytic ("));
}

TEST(Platform, StepsAddUpWithinRounding) {
  Platform platform(on("8xH100"));
  for (const char* model : {"FLUX.1-dev", "Qwen-Image"}) {
    const Task task = task_of(intern(platform, model, {1024, 1024, 1}), kDenoise, 50);
    for (const Layout layout : platform.layouts(task.shape_id, kDenoise)) {
      const auto one = platform.cost().predict(task, layout, 1).count();
      for (const int steps : {1, 2, 7, 50})
        EXPECT_LE(std::abs(platform.cost().predict(task, layout, steps).count() - steps * one),
                  steps);
    }
  }
}

TEST(Platform, MoreTokensAreNeverFasterAnalytically) {
  Platform platform(on("8xL20", PlatformOptions::Costs::kAnalytic));
  for (const std::string& name : platform.card_names()) {
    const ModelId model = *platform.find_model(name);
    const bool video = Library::builtin().card(name).temporal_stride > 1;
    for (const double guidance : {1.0, 5.0}) {
      std::vector<ShapeId> shapes;
      if (video)
        for (const int frames : {1, 17, 33, 81, 129})
          shapes.push_back(platform.intern(model, {640, 480, frames}, guidance));
      else
        for (int size = 128; size <= 2048; size += 64)
          shapes.push_back(platform.intern(model, {size, size, 1}, guidance));
      for (const Layout layout : platform.layouts(shapes[0], kDenoise)) {
        Duration before{};
        for (const ShapeId shape : shapes) {
          const Duration now = platform.cost().predict(task_of(shape, kDenoise), layout, 1);
          EXPECT_GE(now, before) << name << " " << layout.size();
          before = now;
        }
      }
    }
  }
}

TEST(Platform, BatchesCostMoreButLessThanOneByOne) {
  Platform platform(on("8xH100"));
  const Task task = task_of(intern(platform, "FLUX.1-dev", {512, 512, 1}), kDenoise);
  for (const Layout layout : platform.layouts(task.shape_id, kDenoise)) {
    const Duration one = platform.cost().predict(task, layout, 1, 1);
    const Duration four = platform.cost().predict(task, layout, 1, 4);
    EXPECT_GE(four, one);
    EXPECT_LE(four.count(), 4 * one.count() + 4);
  }
}

TEST(Platform, LayoutsAreAscendingAndAllowed) {
  for (const char* cluster : {"8xH100", "8xL20", "16xH200", "4xH20"}) {
    Platform platform(on(cluster));
    for (const std::string& name : platform.card_names())
      for (const double guidance : {1.0, 5.0}) {
        const bool video = Library::builtin().card(name).temporal_stride > 1;
        const ShapeId shape = intern(platform, name.c_str(), {640, 480, video ? 17 : 1}, guidance);
        for (std::size_t stage = 0; stage < 3; ++stage) {
          int before = 0;
          for (const Layout layout : platform.layouts(shape, stage)) {
            EXPECT_EQ(platform.why_not(shape, stage, layout), "");
            EXPECT_GT(layout.size(), before);
            EXPECT_LE(layout.size(), static_cast<int>(platform.gpus().size()));
            before = layout.size();
          }
          EXPECT_GE(before, 1);
        }
      }
  }
}

TEST(Platform, ForbiddenLayoutIsThePolicysFault) {
  Platform platform(on("8xH100"));
  const Task task = task_of(intern(platform, "FLUX.1-dev", {512, 512, 1}), kDenoise);
  expect_refused<PolicyError>([&] { platform.cost().predict(task, {.ulysses = 5}, 1); },
                              {"ulysses 5", "24 heads"});
  expect_refused<PolicyError>([&] { platform.cost().predict(task, {.tp = 2}, 1); }, {"tp"});
}

TEST(Platform, RemainingAndStandaloneAddUpTheStages) {
  Platform platform(on("8xL20"));
  const ShapeId shape = intern(platform, "FLUX.1-dev", {1024, 1024, 1});
  const CostModel& cost = platform.cost();
  const Duration encode = cost.predict(task_of(shape, kEncode), {}, 1);
  const Duration decode = cost.predict(task_of(shape, kDecode), {}, 1);
  const auto step = [&](std::uint8_t ulysses) {
    return to_seconds(cost.predict(task_of(shape, kDenoise), {.ulysses = ulysses}, 1));
  };
  Task denoise = task_of(shape, kDenoise, 20);
  denoise.steps_done = 5;
  EXPECT_NEAR(to_seconds(cost.remaining(denoise, 5)), 15 * step(4) + to_seconds(decode), 1e-6);
  EXPECT_EQ(cost.remaining(task_of(shape, kDecode), 8), decode);
  Task before_it = task_of(shape, kEncode);
  before_it.denoise_steps = 12;
  EXPECT_NEAR(to_seconds(cost.remaining(before_it, 1)), to_seconds(encode + decode) + 12 * step(1),
              1e-6);
  EXPECT_NEAR(to_seconds(platform.standalone(shape, 10, 1)),
              to_seconds(encode + decode) + 10 * step(1), 1e-6);
  Duration before = Duration::max();
  for (const int gpus : {1, 2, 3, 4, 6, 8}) {
    EXPECT_LE(platform.standalone(shape, 28, gpus), before);
    before = platform.standalone(shape, 28, gpus);
  }
}

TEST(Platform, GroupFreeSetUpIsTheSameEveryTime) {
  Platform platform(on("8xH100"));
  const Group pair{GpuId{0}, GpuId{1}};
  EXPECT_EQ(platform.cost().setup(pair), from_seconds(60e-6));
  EXPECT_EQ(platform.form(pair), from_seconds(60e-6));
  EXPECT_EQ(platform.cost().setup(pair), from_seconds(60e-6));
  EXPECT_EQ(platform.cost().setup({GpuId{0}}), Duration{});
  EXPECT_EQ(platform.cost().dispatch(), from_seconds(5e-6));
}

TEST(Platform, CommunicatorsAreKeptAndForgotten) {
  PlatformOptions options = on("8xH100");
  options.groups = PlatformOptions::Groups::kNccl;
  options.nccl_cache_groups = 2;
  Platform platform(options);
  const Group a{GpuId{0}, GpuId{1}}, b{GpuId{1}, GpuId{0}}, c{GpuId{2}, GpuId{3}};
  const auto cold = [&](const Group& group) {
    return platform.cost().setup(group) == from_seconds(0.778);
  };
  EXPECT_TRUE(cold(a));
  EXPECT_EQ(platform.form(a), from_seconds(0.778));
  EXPECT_FALSE(cold(a));
  EXPECT_TRUE(cold(b));  // the order is part of a communicator
  platform.form(b);
  EXPECT_EQ(platform.form(a), Duration{});  // used again: b is now the one not used for longest
  platform.form(c);
  EXPECT_FALSE(cold(a));
  EXPECT_TRUE(cold(b));
  EXPECT_FALSE(cold(c));
}

TEST(Platform, WhatMovesDependsOnTheStage) {
  Platform platform(on("8xH100"));
  const ShapeId shape = intern(platform, "FLUX.1-dev", {1024, 1024, 1});
  constexpr std::int64_t kLatent = 128 * 128 * 16 * 4, kEmbeddings = 512 * 4096 * 2;
  const Group one{GpuId{0}}, other{GpuId{1}}, both{GpuId{0}, GpuId{1}};

  Task denoise = task_of(shape, kDenoise, 28);
  EXPECT_EQ(platform.migration(denoise, both).bytes, 0);  // no state yet
  EXPECT_EQ(platform.cost().migrate(denoise, both), Duration{});
  denoise.group = one;  // where it was encoded
  EXPECT_EQ(platform.migration(denoise, both).bytes, kEmbeddings);
  denoise.steps_done = 3;
  EXPECT_EQ(platform.migration(denoise, other).bytes, kLatent + kEmbeddings);
  EXPECT_EQ(platform.migration(denoise, both).bytes, kLatent / 2 + kEmbeddings);
  EXPECT_EQ(platform.cost().migrate(denoise, other),
            from_seconds((kLatent + kEmbeddings) / 450e9 + 3.4e-6));
  Task decode = task_of(shape, kDecode);
  decode.group = both;
  EXPECT_EQ(platform.migration(decode, one).bytes, kLatent / 2);  // gathered
}

TEST(Platform, WeightsAndActivationsTakeMemory) {
  const std::int64_t all = Platform(on("8xH100")).gpus()[0].memory_free_bytes;
  PlatformOptions options = on("8xH100");
  options.models = {"FLUX.1-dev", "FLUX.1"};  // one model, named twice
  Platform platform(options);
  EXPECT_EQ(all - platform.gpus()[0].memory_free_bytes, 33'970'000'000);

  const ShapeId shape = intern(platform, "FLUX.1-dev", {1024, 1024, 1});
  const std::int64_t alone = platform.memory_bytes(shape, kDenoise, {}, 1);
  // 4608 tokens x (6 x 3072 + 2 x 12288) x 2 bytes, and the latents.
  EXPECT_EQ(alone, 4608LL * (6 * 3072 + 2 * 12288) * 2 + 128 * 128 * 16 * 4);
  EXPECT_LT(platform.memory_bytes(shape, kDenoise, {.ulysses = 2}, 1), alone);
  EXPECT_EQ(platform.memory_bytes(shape, kDenoise, {}, 3), 3 * alone);
  options.check_memory = false;
  Platform unchecked(options);
  EXPECT_EQ(
      unchecked.memory_bytes(intern(unchecked, "FLUX.1-dev", {1024, 1024, 1}), kDenoise, {}, 1), 0);
  options.check_memory = true;
  options.cluster = "8xL20";
  options.models = {"Qwen-Image", "Wan2.1-14B"};
  expect_refused([&] { Platform{options}; }, {"Qwen-Image", "L20", "48 GB"});
}

// Every cell that was published as running on one GPU kind must fit in its memory.
TEST(Platform, WhatWasMeasuredFits) {
  const Library& library = Library::builtin();
  for (const Calibration& c : library.calibrations()) {
    PlatformOptions options = on("8x" + c.gpu);
    options.models = {c.model};
    Platform platform(options);
    for (const CalibrationStep& step : c.steps) {
      const ShapeId shape =
          intern(platform, c.model.c_str(), step.shape, step.forwards == 2 ? 5 : 1);
      EXPECT_LE(platform.memory_bytes(shape, kDenoise, step.layout, 1),
                platform.gpus()[0].memory_free_bytes)
          << c.source << " " << step.shape.width << "x" << step.shape.height << "x"
          << step.shape.frames;
    }
  }
}

TEST(Platform, OwnCalibrationIsPreferred) {
  const regroup::testing::TempDir folder;
  const auto path = folder.path() / "own_calibration.json";
  std::ofstream(path) << R"({"format": "regroup-calibration", "version": 1, "model": "FLUX.1-dev",
    "gpu": "H100", "source": "here",
    "steps": [{"width": 1024, "height": 1024, "frames": 1, "layout": {}, "forwards": 1,
               "seconds": 0.1}],
    "stages": [{"stage": "decode", "width": 1024, "height": 1024, "frames": 1, "seconds": 0.02}],
    "overheads": {"group_setup_us": 42, "dispatch_us": 7}})";
  PlatformOptions options = on("8xH100");
  options.calibrations = {path};
  Platform platform(options);
  const ShapeId shape = intern(platform, "FLUX.1-dev", {1024, 1024, 1});
  EXPECT_EQ(platform.cost().predict(task_of(shape, kDenoise), {}, 1), from_seconds(0.1));
  EXPECT_EQ(platform.cost().predict(task_of(shape, kDecode), {}, 1), from_seconds(0.02));
  EXPECT_EQ(platform.source(shape, kDenoise, {}), "calibrated (here)");
  EXPECT_EQ(platform.cost().setup({GpuId{0}, GpuId{1}}), from_seconds(42e-6));
  EXPECT_EQ(platform.cost().dispatch(), from_seconds(7e-6));
  options.costs = PlatformOptions::Costs::kAnalytic;
  expect_refused([&] { Platform{options}; }, {"analytic"});
  options.calibrations = {"/no/such/calibration"};
  options.costs = PlatformOptions::Costs::kBest;
  expect_refused([&] { Platform{options}; }, {"/no/such/calibration"});
}

}  // namespace
}  // namespace regroup::models
