#include <cmath>
#include <filesystem>
#include <string>

#include "tests/traces/fake_catalog.hpp"
#include "tests/traces/trace_file.hpp"
#include "traces/generate.hpp"
#include "traces/python_random.hpp"
#include "traces/source.hpp"

namespace regroup::traces {
namespace {

double in_ms(TimePoint time) { return static_cast<double>(time.time_since_epoch().count()) / 1e6; }

// python3 -c "import random; r = random.Random(SEED); print(r.random(), r.random())"
TEST(PythonRandom, GivesPythonsNumbers) {
  PythonRandom zero(0);
  EXPECT_EQ(zero.random(), 0.8444218515250481);
  EXPECT_EQ(zero.random(), 0.7579544029403025);
  PythonRandom answer(42);
  EXPECT_EQ(answer.random(), 0.6394267984578837);
  EXPECT_EQ(answer.random(), 0.025010755222666936);
  PythonRandom wide((std::uint64_t{1} << 40) + 12345);
  EXPECT_EQ(wide.random(), 0.31036222241287226);
  EXPECT_EQ(wide.random(), 0.1148930862836336);
}

// The first requests that generate_runtime_v2_mixed_priority_workload.py gives for this profile and
// seed on 8 GPUs.
TEST(GfDitWorkload, KnownAnswer) {
  FakeCatalog catalog;
  const auto records = generate_gfdit({.profile = "short", .seed = 0}, &catalog);
  ASSERT_EQ(records.size(), 19u);
  struct Known {
    const char* id;
    double arrival_ms;
    double deadline_ms;
  };
  constexpr Known kKnown[] = {
      {"M_000000", 12682.731, 121457.254},  {"S_000000", 114049.948, 164670.915},
      {"M_000001", 150211.182, 258985.704}, {"S_000001", 197930.818, 248551.785},
      {"L_000000", 219487.338, 954243.849}, {"S_000002", 246840.024, 297460.99},
  };
  for (std::size_t i = 0; i < std::size(kKnown); ++i) {
    EXPECT_EQ(records[i].id, kKnown[i].id);
    EXPECT_EQ(in_ms(records[i].arrival), kKnown[i].arrival_ms);
    EXPECT_EQ(in_ms(*records[i].deadline), kKnown[i].deadline_ms);
  }
  EXPECT_EQ(records[4].shape, (Shape{1280, 720, 81}));
  EXPECT_EQ(records[4].priority, 0);
  EXPECT_EQ(records[1].priority, 100);
}

TEST(GfDitWorkload, CountsOfThePublishedResults) {
  const auto count = [](const char* profile, std::uint64_t seed) {
    return generate_gfdit({.profile = profile, .seed = seed}, nullptr).size();
  };
  EXPECT_EQ(count("inflight_burst", 0), 21u);
  EXPECT_EQ(count("foreground_burst", 1), 26u);
  EXPECT_EQ(count("tridentserve", 1), 80u);
}

// The reference simulator's own workloads.
TEST(GfDitWorkload, EqualsTheReferenceFiles) {
  struct Reference {
    const char* folder;
    GfDitOptions options;
  };
  const Reference references[] = {
      {"wl8_short_s0", {.profile = "short", .seed = 0}},
      {"wl8_foreground_burst_s1", {.profile = "foreground_burst", .seed = 1}},
      {"wl8_inflight_burst_s0", {.profile = "inflight_burst", .seed = 0}},
      {"wl8_short_tl1.0_s42", {.profile = "short", .seed = 42, .target_load = 1.0}},
  };
  for (const Reference& reference : references) {
    const std::string path =
        std::string(RG_SHARED_DIR) + "/reference/gfdit/" + reference.folder + "/workload.json";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "no reference data at " << path;
    FakeCatalog catalog;
    const auto ours = generate_gfdit(reference.options, &catalog);
    auto theirs = read_all(*open_trace(path));
    ASSERT_EQ(ours.size(), theirs.size()) << reference.folder;
    EXPECT_EQ(ours, theirs) << reference.folder;
  }
}

TEST(GfDitWorkload, RatesScaleWithGpusAndLoad) {
  FakeCatalog catalog;
  const auto doubled = generate_gfdit({.profile = "tridentserve", .gpus = 16}, &catalog);
  EXPECT_EQ(generate_gfdit({.profile = "tridentserve", .rate_scale = 2}, &catalog), doubled);

  // At a load of 20 there are enough requests for the offered work to be near what was asked:
  // 4 * 20 GPU-seconds a second over the 3,600 s of the profile.
  for (const char* mix : {"gfdit-wan", "gfdit-qwen"}) {
    const auto loaded = generate_gfdit(
        {.profile = "tridentserve", .mix = mix, .seed = 5, .gpus = 4, .target_load = 20}, &catalog);
    const auto reader = list_reader(loaded, "loaded");
    double work_gpu_s = 0;
    for (const Record& record : loaded) {
      work_gpu_s +=
          to_seconds(catalog.standalone(resolve(*reader, record, catalog).shape, record.steps, 1));
    }
    EXPECT_NEAR(work_gpu_s / (4 * 3600), 20, 20 * 4 / std::sqrt(loaded.size())) << mix;
  }
}

TEST(GfDitWorkload, WithoutCatalogThereAreNoDeadlines) {
  const auto records = generate_gfdit({.mix = "gfdit-qwen", .steps = 20}, nullptr);
  ASSERT_FALSE(records.empty());
  for (const Record& record : records) {
    EXPECT_EQ(record.deadline, std::nullopt);
    EXPECT_EQ(record.model, "Qwen-Image");
    EXPECT_EQ(record.steps, 20);
  }
}

TEST(GfDitWorkload, RefusesImpossibleOptions) {
  FakeCatalog catalog;
  const auto error = [&](const GfDitOptions& options, Catalog* with) {
    return error_of("", [&] { generate_gfdit(options, with); });
  };
  EXPECT_EQ(error({.profile = "long"}, &catalog),
            "trace generate: profile 'long' is not known; allowed: short, foreground_burst, "
            "inflight_burst, tridentserve");
  EXPECT_EQ(error({.mix = "hetu-flux"}, &catalog),
            "trace generate: mix 'hetu-flux' has no classes S, M, L; allowed: gfdit-wan, "
            "gfdit-qwen");
  EXPECT_EQ(error({.target_load = 1}, nullptr),
            "trace generate: a target load needs a cluster, to know how long a request takes");
  EXPECT_EQ(error({.rate_scale = 2, .target_load = 1}, &catalog),
            "trace generate: a target load sets the rates; a rate scale cannot be given too");
  EXPECT_EQ(error({.gpus = 0}, &catalog), "trace generate: gpus is 0; allowed: at least 1");
}

}  // namespace
}  // namespace regroup::traces
