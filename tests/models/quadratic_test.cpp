#include "models/quadratic.hpp"

#include <fstream>

#include "models/library.hpp"
#include "models/platform.hpp"
#include "tests/models/expect_config_error.hpp"
#include "tests/support/temp_dir.hpp"

namespace regroup::models {
namespace {

namespace fs = std::filesystem;

// A folder with a made-up cost model, gone at the end of the test.
class Folder {
 public:
  const fs::path& path() const { return folder_.path(); }

  void add(int ulysses, const std::string& stages, const std::string& model = "Qwen/Qwen-Image",
           int tp = 1) const {
    std::ofstream(path() / fmt::format("tp{}_ulysses{}_ring1_cfg1.json", tp, ulysses))
        << fmt::format(R"({{"model": "{}", "options": {{}}, "parallelism": {{"tp": {}, "sp": {},
             "ulysses": {}, "ring": 1, "cfg": 1}}, "stages": {{{}}}}})",
                       model, tp, ulysses, ulysses, stages);
  }
  static std::string stage(const char* name, double a, double b, double c) {
    return fmt::format(R"("{}": {{"x_name": "x", "coeffs": {{"a": {}, "b": {}, "c": {}}}, "r2": 1,)"
                       R"( "samples": []}})",
                       name, a, b, c);
  }

 private:
  regroup::testing::TempDir folder_;
};

const ModelCard& qwen() { return Library::builtin().card("Qwen-Image"); }
constexpr Shape kSmall{512, 512, 1};  // 1024 latent tokens
const Stage kEncode{"encode", StageKind::kEncode}, kDecode{"decode", StageKind::kDecode};

TEST(Quadratic, ByHand) {
  Folder folder;
  folder.add(1, Folder::stage("dit_step_chunk_cfg", 1e-5, 0.25, 50) + "," +
                    Folder::stage("text_encode", 0, 0, 55) + "," +
                    Folder::stage("dit_prepare", 0, 0.001, 1) + "," +
                    Folder::stage("timestep_prepare", 0, 0.1, 0) + "," +
                    Folder::stage("vae_decode", 0, 1e-5, 20) + "," +
                    Folder::stage("finalize", 0, 0, 0.5));
  ASSERT_TRUE(QuadraticCosts::is_folder(folder.path()));
  const QuadraticCosts costs = QuadraticCosts::read(folder.path());
  const double step = (1e-5 * 1024 * 1024 + 0.25 * 1024 + 50) * 1e-3;
  EXPECT_DOUBLE_EQ(*costs.step(qwen(), kSmall, 2, {}), step);
  EXPECT_DOUBLE_EQ(*costs.step(qwen(), kSmall, 1, {}), step / 2);  // no _nocfg: half of _cfg
  EXPECT_FALSE(costs.step(qwen(), kSmall, 2, {.ulysses = 2}).has_value());
  EXPECT_NEAR(costs.stage(qwen(), kEncode, kSmall, {}), (55 + 1 + 1.024 + 0.1 * 50) * 1e-3, 1e-12);
  EXPECT_NEAR(costs.stage(qwen(), kDecode, kSmall, {}), (20 + 1e-5 * 512 * 512 + 0.5) * 1e-3,
              1e-12);
}

TEST(Quadratic, FallbacksAndNeverNegative) {
  Folder folder;
  folder.add(1, Folder::stage("dit_step_chunk", 0, 0, 8));
  folder.add(2, Folder::stage("dit_step_chunk", 0, 0, 8) + "," +
                    Folder::stage("dit_step_chunk_cfg", 0, 0, 6) + "," +
                    Folder::stage("dit_step_chunk_nocfg", 0, 0, 5));
  folder.add(4, Folder::stage("dit_step_chunk", 0, -1, 0));
  const QuadraticCosts costs = QuadraticCosts::read(folder.path());
  EXPECT_DOUBLE_EQ(*costs.step(qwen(), kSmall, 2, {}), 0.008);
  EXPECT_DOUBLE_EQ(*costs.step(qwen(), kSmall, 1, {}), 0.004);
  EXPECT_DOUBLE_EQ(*costs.step(qwen(), kSmall, 2, {.ulysses = 2}), 0.006);
  EXPECT_DOUBLE_EQ(*costs.step(qwen(), kSmall, 1, {.ulysses = 2}), 0.005);
  EXPECT_DOUBLE_EQ(*costs.step(qwen(), kSmall, 2, {.ulysses = 4}), 0);
  // A distilled model has one step, not half of one.
  EXPECT_DOUBLE_EQ(*costs.step(Library::builtin().card("FLUX.1-dev"), kSmall, 1, {}), 0.008);
  EXPECT_DOUBLE_EQ(costs.stage(qwen(), kEncode, kSmall, {}), 0);
}

TEST(Quadratic, BadFolders) {
  const std::string step = Folder::stage("dit_step_chunk", 0, 0, 8);
  {
    Folder folder;
    folder.add(2, step);
    expect_refused([&] { QuadraticCosts::read(folder.path()); }, {"tp1_ulysses1_ring1_cfg1"});
  }
  {
    Folder folder;
    folder.add(1, step);
    folder.add(2, step, "another");
    expect_refused([&] { QuadraticCosts::read(folder.path()); }, {"/model", "another"});
  }
  {
    Folder folder;
    folder.add(1, step);
    folder.add(1, step, "Qwen/Qwen-Image", 2);
    expect_refused([&] { QuadraticCosts::read(folder.path()); }, {"/parallelism/tp"});
  }
  {
    Folder folder;
    folder.add(1, Folder::stage("dit_step", 0, 0, 1));
    expect_refused([&] { QuadraticCosts::read(folder.path()); },
                   {"dit_step", "dit_step_chunk_nocfg"});
  }
  Folder folder;
  EXPECT_FALSE(QuadraticCosts::is_folder(folder.path()));
}

TEST(Quadratic, OnAPlatform) {
  Folder folder;
  folder.add(1, Folder::stage("dit_step_chunk", 0, 0, 80), "made-up");
  folder.add(4, Folder::stage("dit_step_chunk", 0, 0, 20), "made-up");
  PlatformOptions options;
  options.cluster = "8xH20";
  options.calibrations = {folder.path()};
  options.models = {"FLUX.1-dev"};
  Platform other(options);  // it stands for FLUX alone
  const ShapeId elsewhere = other.intern(*other.find_model("Wan2.2-TI2V-5B"), {832, 480, 49}, 5);
  EXPECT_TRUE(other.source(elsewhere, 1, {}).starts_with("analytic"));
  options.models = {};  // for every model
  Platform platform(options);
  const ModelId model = *platform.find_model("Wan2.2-TI2V-5B");
  const ShapeId shape = platform.intern(model, {832, 480, 49}, 5);
  Task task;
  task.shape_id = shape;
  task.stage = 1;
  EXPECT_EQ(platform.cost().predict(task, {}, 1), from_seconds(0.08));
  EXPECT_EQ(platform.cost().predict(task, {.ulysses = 4}, 3), from_seconds(0.06));
  EXPECT_EQ(platform.layouts(shape, 1)[3], (Layout{.ulysses = 4}));
  EXPECT_TRUE(platform.source(shape, 1, {.ulysses = 4}).starts_with("quadratic ("))
      << platform.source(shape, 1, {.ulysses = 4});
  EXPECT_TRUE(platform.source(shape, 1, {.ulysses = 8}).starts_with("quadratic, scaled ("));
}

// The cost model that goes through GF-DiT's published H20 points.
TEST(Quadratic, ReferenceFilesOfGfDit) {
  const fs::path folder = fs::path(RG_SHARED_DIR) / "reference/gfdit/cost_qwen_h20";
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is not there";
  const QuadraticCosts costs = QuadraticCosts::read(folder);
  const auto ms = [&](int size, std::uint8_t ulysses) {
    return *costs.step(qwen(), {size, size, 1}, 1, {.ulysses = ulysses}) * 1e3;
  };
  EXPECT_NEAR(ms(512, 1), 155, 1e-6);
  EXPECT_NEAR(ms(1024, 2), 350, 1e-6);
  EXPECT_NEAR(ms(1536, 4), 464, 1e-6);
  EXPECT_NEAR(costs.stage(qwen(), kEncode, kSmall, {}) * 1e3, 62, 1e-9);
}

}  // namespace
}  // namespace regroup::models
