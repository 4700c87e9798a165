#include <gtest/gtest.h>

#include "core/errors.hpp"
#include "tests/tools/sweep_fixture.hpp"

namespace regroup::tools {
namespace {

SweepSpec parse(const std::string& text) { return parse_sweep_spec(text, "sweep.json"); }

// The message of the ConfigError.
std::string refusal(const std::string& text) {
  try {
    parse(text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(SweepSpec, ParametersAreAProductOfAllTheirValues) {
  const SweepSpec spec = parse(small_spec(
      "\"seeds\": 2",
      R"([{"policy": "p", "params": {"a": [1, 2.5], "b": ["x:y,z", true], "c": "one"}}])"));
  const std::vector<std::string> names = {"p a=1 b=x:y,z c=one", "p a=1 b=true c=one",
                                          "p a=2.5 b=x:y,z c=one", "p a=2.5 b=true c=one"};
  EXPECT_EQ(spec.policy_names, names);
  EXPECT_EQ(spec.policies[0].params.at("b"), "x:y,z");
}

TEST(SweepSpec, CellsAreNestedInTheOrderSaid) {
  const SweepSpec spec = parse(small_spec());
  const std::vector<Setting> settings = settings_of(spec);
  ASSERT_EQ(settings.size(), 6u);
  EXPECT_EQ(run_id(spec, settings[0], 0),
            "tetriserve-uniform, 8xH100, slo 1, load 1, fcfs degree=1, seed 0");
  EXPECT_EQ(run_id(spec, settings[4], 2),
            "tetriserve-uniform, 8xH100, slo 1, load 3, fcfs degree=4, seed 2");
  EXPECT_EQ(seeds_of(spec, settings[0]), 3);
}

TEST(SweepSpec, ATraceFileWithoutJitterHasOneRun) {
  const auto seeds = [](const std::string& more) {
    const SweepSpec spec = parse(
        small_spec("\"seeds\": 4" + more, R"([{"policy": "srtf"}])", R"({"trace": "t.csv"})"));
    return seeds_of(spec, settings_of(spec).front());
  };
  EXPECT_EQ(seeds(""), 1);
  EXPECT_EQ(seeds(", \"jitter\": 0.01"), 4);
}

TEST(SweepSpec, RefusalsNameFileKeyAndWhatIsAllowed) {
  EXPECT_EQ(refusal(small_spec("\"sedes\": 3")).substr(0, 49),
            "sweep.json: /: unknown key 'sedes'; allowed: form");
  EXPECT_EQ(refusal(small_spec("\"baseline\": \"elastic\"")),
            "sweep.json: /baseline: 'elastic' is no policy of this sweep; allowed: fcfs degree=1, "
            "fcfs degree=4, srtf");
  EXPECT_EQ(refusal(small_spec("\"loads\": [1, 1]")),
            "sweep.json: /loads/1: loads 1 is there twice");
  EXPECT_EQ(refusal(small_spec("\"loads\": []")),
            "sweep.json: /loads: expected at least one entry");
  EXPECT_EQ(refusal(small_spec("\"seeds\": 2", R"([{"policy": "p", "params": {"a": [null]}}])")),
            "sweep.json: /policies/0/params/a: expected text, a number, true, false, or a list of "
            "these");
  EXPECT_EQ(refusal(small_spec("\"seeds\": 2", R"([{"policy": "p"}])", R"({"name": "x"})")),
            "sweep.json: /workloads/0: expected one of the keys 'trace', 'generate', 'published'");
}

std::string with_search(const std::string& search, const std::string& more = "") {
  return small_spec("\"capacity\": {\"target_violation_rate\": 0.05, " + search + "}" + more);
}

TEST(SweepSpec, TheHardEndOfASearchDependsOnWhatIsSearched) {
  const auto rate = parse(with_search(R"("search": "rate", "low": 1, "high": 9)")).search;
  EXPECT_EQ(rate->hard, 9);
  const auto scale = parse(with_search(R"("search": "slo_scale", "low": 1, "high": 9)")).search;
  EXPECT_EQ(scale->hard, 1);
}

TEST(SweepSpec, RefusesWhatASearchWouldIgnore) {
  const std::string rate = R"("search": "rate", "low": 1, "high": 9)";
  EXPECT_EQ(refusal(with_search(rate, ", \"loads\": [1]")),
            "sweep.json: /loads: has no effect: \"search\": \"rate\" varies it");
  EXPECT_EQ(refusal(with_search(rate, ", \"seeds\": 3")),
            "sweep.json: /seeds: a capacity search adds seeds; allowed: 'max_seeds' in it");
  EXPECT_EQ(refusal(with_search(R"("search": "rate", "low": 3, "high": 2)")),
            "sweep.json: /capacity/low: 3 is above 'high', 2");
  EXPECT_EQ(refusal(with_search(R"("search": "gpus", "low": 1, "high": 2)")),
            "sweep.json: /clusters/0: expected one * for the number that is searched: *xH100, "
            "*x8xH100");
  EXPECT_EQ(refusal(with_search(R"("search": "speed", "low": 1, "high": 2)")),
            "sweep.json: /capacity/search: 'speed'; allowed: rate, gpus, slo_scale");
}

}  // namespace
}  // namespace regroup::tools
