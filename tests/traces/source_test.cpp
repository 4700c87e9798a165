#include "traces/source.hpp"

#include "tests/traces/fake_catalog.hpp"
#include "tests/traces/trace_file.hpp"

namespace regroup::traces {
namespace {

using std::chrono::seconds;

Record record(std::string id, int arrival_s, std::string model = "FLUX.1-dev") {
  return {.id = std::move(id),
          .arrival = TimePoint(seconds(arrival_s)),
          .model = std::move(model),
          .shape = {1024, 1024, 1},
          .steps = 28};
}

class Source : public ::testing::Test {
 protected:
  std::vector<Request> requests(std::vector<Record> records, const SourceOptions& options = {}) {
    TraceSource source(list_reader(std::move(records), "list"), catalog, classes, options);
    std::vector<Request> all;
    for (Request request; source.next(request);) all.push_back(request);
    return all;
  }
  FakeCatalog catalog;
  NameTable<ClassId> classes;
};

TEST_F(Source, ResolvesNamesAndCountsIds) {
  Record a = record("a", 1);
  a.request_class = "big";
  a.priority = 3;
  a.guidance = 4.5;
  Record b = record("b", 1, "Qwen-Image");
  const auto all = requests({a, b, record("c", 2)});
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].id, RequestId{0});
  EXPECT_EQ(all[2].id, RequestId{2});
  EXPECT_EQ(all[0].label, "a");
  EXPECT_EQ(all[0].guidance, 4.5);
  EXPECT_EQ(all[0].priority, 3);
  EXPECT_EQ(all[0].steps, 28);
  EXPECT_EQ(all[0].deadline, kNever);
  EXPECT_EQ(catalog.model_name(all[1].model), "Qwen-Image");
  EXPECT_EQ(classes.name(all[0].request_class), "big");
  EXPECT_EQ(classes.name(all[1].request_class), "default");
  EXPECT_NE(all[0].shape_id, all[1].shape_id);
  EXPECT_NE(all[0].shape_id, all[2].shape_id);  // guidance on and off
}

TEST_F(Source, RateScaleKeepsDeadlinesAtTheirDistance) {
  Record a = record("a", 10);
  a.deadline = TimePoint(seconds(13));
  const auto all = requests({a, record("b", 20)}, {.rate_scale = 4});
  EXPECT_EQ(all[0].arrival, TimePoint(std::chrono::milliseconds(2500)));
  EXPECT_EQ(all[0].deadline - all[0].arrival, seconds(3));
  EXPECT_EQ(all[1].arrival, TimePoint(seconds(5)));
}

TEST_F(Source, LimitAndSteps) {
  const auto all =
      requests({record("a", 1), record("b", 2), record("c", 3)}, {.steps = 6, .limit = 2});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].steps, 6);
}

TEST_F(Source, RuleReplacesTheDeadlinesOfTheTrace) {
  Record a = record("a", 10);
  a.deadline = TimePoint(seconds(11));
  EXPECT_EQ(requests({a}, {.slo = SloRule::parse("tetriserve")})[0].deadline,
            TimePoint(seconds(13)));
  EXPECT_EQ(requests({a}, {.slo = SloRule::parse("none")})[0].deadline, kNever);
}

TEST_F(Source, RuleUsesTheStepsOfTheRun) {
  const Record a = record("a", 0);
  const SloRule alpha = SloRule::parse("alpha=2");
  const auto few = requests({a}, {.steps = 10, .slo = alpha});
  EXPECT_EQ(few[0].deadline - few[0].arrival,
            from_seconds(2 * to_seconds(catalog.standalone(few[0].shape_id, 10, 1))));
}

TEST_F(Source, AsksForEachT1Once) {
  std::vector<Record> records;
  for (int i = 0; i < 100; ++i) records.push_back(record("r", i));
  requests(records, {.slo = SloRule::parse("alpha=2")});
  EXPECT_EQ(catalog.standalone_calls, 1);
}

TEST_F(Source, ErrorsNameThePlace) {
  Record odd = record("odd", 0);
  odd.shape.width = 1000;
  Record video = record("video", 0, "Wan2.2-TI2V-5B");
  video.shape = {832, 480, 49};
  EXPECT_EQ(error_of("", [&] { requests({record("x", 0, "GPT")}); }),
            "list, request x: model 'GPT' has no card");
  EXPECT_EQ(error_of("", [&] { requests({odd}); }),
            "list, request odd: FLUX.1-dev: width 1000 is not a multiple of 16");
  EXPECT_EQ(error_of("", [&] { requests({video}, {.slo = SloRule::parse("tetriserve")}); }),
            "list, request video: SLO rule 'tetriserve' has no deadline for 832x480x49; it knows "
            "256x256, 512x512, 1024x1024 and 2048x2048");
  EXPECT_EQ(error_of("", [&] { requests({}, {.rate_scale = 0}); }),
            "trace: rate scale is 0; allowed: above 0, at most 1e6");
  EXPECT_EQ(error_of("", [&] { requests({}, {.steps = 0}); }),
            "trace: steps is 0; allowed: at least 1");
}

TEST_F(Source, CsvErrorsNameTheLine) {
  const TraceFile file(std::string(kHead) + "a,1,GPT,16,16,1,1,1,,,\n");
  EXPECT_EQ(error_of(file.path(),
                     [&] {
                       TraceSource source(open_trace(file.path()), catalog, classes);
                       Request request;
                       source.next(request);
                     }),
            "F:3: model 'GPT' has no card");
}

}  // namespace
}  // namespace regroup::traces
