#include "traces/slo.hpp"

#include "tests/traces/fake_catalog.hpp"
#include "tests/traces/trace_file.hpp"

namespace regroup::traces {
namespace {

class SloRules : public ::testing::Test {
 protected:
  Request request(Shape shape, int steps = 50) {
    Request r;
    r.model = *catalog.find_model("Wan2.2-TI2V-5B");
    r.shape = shape;
    r.shape_id = catalog.intern(r.model, shape, 1);
    r.steps = steps;
    return r;
  }
  std::optional<double> seconds(std::string_view rule, Shape shape, std::string_view cls = "S") {
    const auto time = SloRule::parse(rule).allowance(request(shape), cls, catalog);
    return time ? std::optional(to_seconds(*time)) : std::nullopt;
  }
  FakeCatalog catalog;
};

constexpr Shape kSmall{832, 480, 49};
constexpr double kSmallT1 = 33.7473111776;  // GF-DiT's profiled_optimal_latency_ms: 33747.311

TEST_F(SloRules, DefaultIsTheTrace) {
  EXPECT_TRUE(SloRule().from_trace());
  EXPECT_TRUE(SloRule::parse("trace").from_trace());
  EXPECT_FALSE(SloRule::parse("none").from_trace());
  EXPECT_EQ(seconds("none", kSmall), std::nullopt);
}

TEST_F(SloRules, MultiplesOfT1) {
  EXPECT_NEAR(*seconds("alpha=1.5", kSmall), 1.5 * kSmallT1, 1e-6);
  EXPECT_NEAR(*seconds("alpha=1.5+5", kSmall), 1.5 * kSmallT1 + 5, 1e-6);
  EXPECT_NEAR(*seconds("standalone=3", kSmall), 3 * kSmallT1, 1e-6);
  EXPECT_NEAR(*seconds("standalone=3x", kSmall), 3 * kSmallT1, 1e-6);
  EXPECT_NEAR(*seconds("class:S=1.5,M=2", kSmall, "S"), 1.5 * kSmallT1, 1e-6);
  EXPECT_NEAR(*seconds("class:S=1.5,a=b=2+0.5", kSmall, "a=b"), 2 * kSmallT1 + .5, 1e-6);
  EXPECT_EQ(error_of("", [&] { seconds("class:S=1.5,M=2", kSmall, "XL"); }),
            "SLO rule 'class:S=1.5,M=2' has no alpha for class 'XL'; it knows: M, S");
}

TEST_F(SloRules, TetriServeIsFixedPerResolution) {
  EXPECT_EQ(seconds("tetriserve", {256, 256, 1}), 1.5);
  EXPECT_EQ(seconds("tetriserve", {512, 512, 1}), 2.0);
  EXPECT_EQ(seconds("tetriserve", {1024, 1024, 1}), 3.0);
  EXPECT_NEAR(*seconds("tetriserve=1.5", {2048, 2048, 1}), 7.5, 1e-9);
  EXPECT_EQ(error_of("", [&] { seconds("tetriserve", kSmall); }),
            "SLO rule 'tetriserve' has no deadline for 832x480x49; it knows 256x256, 512x512, "
            "1024x1024 and 2048x2048");
}

// 50 steps of 5,070 tokens take 33.54 s on one GPU. Efficiencies: 0.91, 0.8325, 0.735 at 2, 4, 8.
TEST_F(SloRules, HetuTakesTheWidestEfficientDegree) {
  // k = 4: 10.071 s; round(40.28) = 40; int(44.0) + 2
  EXPECT_EQ(seconds("hetu", kSmall), 46);
  // k = 2 once 4 GPUs fall below 0.8: 18.427 s; round(73.71) = 74; int(81.4) + 2
  catalog.speed_up[4] = 3.19;
  EXPECT_EQ(seconds("hetu", kSmall), 83);
  // The largest efficient degree counts, even past one that is not.
  catalog.speed_up[8] = 6.5;  // 5.160 s; round(20.64) = 21; int(23.1) + 2
  EXPECT_EQ(seconds("hetu", kSmall), 25);
}

TEST_F(SloRules, UnknownRulesAreRefused) {
  const std::string rules =
      "the rules are: trace, none, alpha=A[+SECONDS], standalone=A[+SECONDS], "
      "class:NAME=A,...[+SECONDS], tetriserve[=SCALE], hetu";
  const std::string number = " is not a number above 0, at most 1e6; ";
  const std::pair<std::string, std::string> cases[] = {
      {"", "SLO rule '' is not known; " + rules},
      {"beta=3", "SLO rule 'beta=3' is not known; " + rules},
      {"alpha", "SLO rule 'alpha' is not known; " + rules},
      {"none=1", "SLO rule 'none=1' is not known; " + rules},
      {"alpha=", "SLO rule 'alpha=': ''" + number + rules},
      {"alpha=-1", "SLO rule 'alpha=-1': '-1'" + number + rules},
      {"alpha=3x", "SLO rule 'alpha=3x': '3x'" + number + rules},
      {"alpha=3+", "SLO rule 'alpha=3+': ''" + number + rules},
      {"tetriserve=0", "SLO rule 'tetriserve=0': '0'" + number + rules},
      {"class:", "SLO rule 'class:': '' is not NAME=A; " + rules},
      {"class:S=1,", "SLO rule 'class:S=1,': '' is not NAME=A; " + rules},
      {"class:S=1,S=2", "SLO rule 'class:S=1,S=2': class 'S' is given twice"},
  };
  for (const auto& [rule, error] : cases) {
    EXPECT_EQ(error_of("", [&] { SloRule::parse(rule); }), error);
  }
}

}  // namespace
}  // namespace regroup::traces
