#include "traces/generate.hpp"

#include <cmath>
#include <map>

#include "tests/traces/trace_file.hpp"
#include "traces/stats.hpp"

namespace regroup::traces {
namespace {

TraceStats stats_of(const ArrivalOptions& options) { return measure(*generate(options)); }

ArrivalOptions renewal(ArrivalProcess process, double cv = 1) {
  return {.mix = named_mix("tetriserve-uniform"),
          .process = process,
          .per_minute = 120,
          .cv = cv,
          .count = 40'000,
          .seed = 3};
}

// With n gaps of CV c the mean gap has relative error c / sqrt(n): 4 of these are allowed.
TEST(Generate, PoissonHasMeanAndCv) {
  const TraceStats stats = stats_of(renewal(ArrivalProcess::kPoisson));
  EXPECT_NEAR(stats.gap_mean_s, 0.5, 0.5 * 4 / 200);
  EXPECT_NEAR(stats.gap_cv, 1, 0.03);
}

TEST(Generate, GammaHasMeanAndCv) {
  for (const double cv : {0.3, 1.0, 4.0}) {
    const TraceStats stats = stats_of(renewal(ArrivalProcess::kGamma, cv));
    EXPECT_NEAR(stats.gap_mean_s, 0.5, 0.5 * 4 * cv / 200) << cv;
    EXPECT_NEAR(stats.gap_cv, cv, 0.1 * cv) << cv;
  }
}

TEST(Generate, ConstantIsConstant) {
  const TraceStats stats = stats_of(renewal(ArrivalProcess::kConstant));
  EXPECT_EQ(stats.first_arrival, TimePoint(std::chrono::milliseconds(500)));
  EXPECT_NEAR(stats.gap_cv, 0, 1e-12);
}

TEST(Generate, MixesHaveTheirShares) {
  ArrivalOptions options = renewal(ArrivalProcess::kPoisson);
  options.mix = named_mix("tetriserve-skewed");
  double total = 0;
  for (const MixEntry& entry : options.mix) total += entry.weight;
  const TraceStats stats = stats_of(options);
  for (const MixEntry& entry : options.mix) {
    const double share = entry.weight / total;
    const double found = static_cast<double>(stats.by_shape.at(entry.shape)) / 40'000;
    EXPECT_NEAR(found, share, 4 * std::sqrt(share * (1 - share) / 40'000));
  }
  // exp(1) against exp(1/64), worked out by hand.
  EXPECT_NEAR(options.mix[3].weight / options.mix[0].weight, 2.676139, 1e-6);
}

TEST(Generate, StopsAtCountOrSpan) {
  ArrivalOptions options = renewal(ArrivalProcess::kConstant);
  options.count = 7;
  EXPECT_EQ(stats_of(options).requests, 7u);
  options.count = 0;
  options.span = std::chrono::seconds(10);
  EXPECT_EQ(stats_of(options).requests, 19u);  // at 0.5 s, 1 s, ... 9.5 s
}

TEST(Generate, SeedDecidesEverything) {
  ArrivalOptions options = tetriserve_workload(true);
  const auto first = read_all(*generate(options));
  EXPECT_EQ(first.size(), 300u);
  EXPECT_EQ(first[7].id, "r000007");
  EXPECT_EQ(first[7].steps, 50);
  EXPECT_EQ(read_all(*generate(options)), first);
  options.seed = 1;
  EXPECT_NE(read_all(*generate(options)), first);
}

TEST(Generate, RefusesImpossibleOptions) {
  const auto error = [](auto change) {
    ArrivalOptions options = tetriserve_workload(false);
    change(options);
    return error_of("", [&] { generate(options); });
  };
  EXPECT_EQ(error([](auto& o) { o.mix.clear(); }), "trace generate: the mix is empty");
  EXPECT_EQ(error([](auto& o) { o.per_minute = 0; }),
            "trace generate: rate is 0 a minute; allowed: above 0, at most 6e7");
  EXPECT_EQ(error([](auto& o) { o.count = 0; }),
            "trace generate: neither a number of requests nor a duration is given");
  EXPECT_EQ(error([](auto& o) {
              o.process = ArrivalProcess::kGamma;
              o.cv = 0;
            }),
            "trace generate: CV is 0; allowed: 0.01 to 100");
  EXPECT_EQ(error([](auto& o) { o.steps = 0; }), "trace generate: steps is 0; allowed: at least 1");
}

TEST(Mixes, EveryNameIsAMix) {
  for (const std::string& name : mix_names()) {
    EXPECT_FALSE(named_mix(name).empty()) << name;
    EXPECT_FALSE(parse_mix(name).empty()) << name;
  }
  EXPECT_EQ(error_of("", [] { named_mix("nice"); }),
            "mix 'nice' is not known; allowed: tetriserve-uniform, tetriserve-skewed, gfdit-wan, "
            "gfdit-qwen, hetu-flux");
}

TEST(Mixes, UsersOwn) {
  const Mix mix = parse_mix("FLUX.1-dev:1024x512:28,Wan2.2-TI2V-5B:832x480x81:50:0.5");
  ASSERT_EQ(mix.size(), 2u);
  EXPECT_EQ(mix[0].shape, (Shape{1024, 512, 1}));
  EXPECT_EQ(mix[0].steps, 28);
  EXPECT_EQ(mix[0].weight, 1);
  EXPECT_EQ(mix[1].shape, (Shape{832, 480, 81}));
  EXPECT_EQ(mix[1].weight, 0.5);
  EXPECT_EQ(mix[1].guidance, 5);
  EXPECT_EQ(mix[1].request_class, "832x480x81");
  for (const std::string wrong : {"m:16x16", "m:16:5", "m:16x16x:x", ":16x16:5", "m:16x16:0",
                                  "m:16x16:5:-1", "m:16x16:5:1:1", "m:16x16:5,"}) {
    EXPECT_NE(error_of("", [&] { parse_mix(wrong); }), "no error") << wrong;
  }
}

}  // namespace
}  // namespace regroup::traces
