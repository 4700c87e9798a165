#include "traces/stats.hpp"

#include "tests/traces/fake_catalog.hpp"
#include "tests/traces/trace_file.hpp"

namespace regroup::traces {
namespace {

std::vector<Record> four() {
  std::vector<Record> records;
  for (const int second : {1, 2, 4, 4}) {
    records.push_back({.id = "r",
                       .arrival = TimePoint(std::chrono::seconds(second)),
                       .model = second == 1 ? "FLUX.1-dev" : "Wan2.2-TI2V-5B",
                       .shape = {832, 480, second == 1 ? 1 : 49},
                       .steps = 50,
                       .request_class = second == 4 ? "late" : ""});
  }
  records[1].deadline = TimePoint(std::chrono::seconds(9));
  return records;
}

TEST(Stats, CountsAndGaps) {
  const TraceStats stats = measure(*list_reader(four(), "list"));
  EXPECT_EQ(stats.requests, 4u);
  EXPECT_EQ(stats.with_deadline, 1u);
  EXPECT_EQ(stats.span(), std::chrono::seconds(3));
  EXPECT_DOUBLE_EQ(stats.gap_mean_s, 1);  // gaps 1, 2, 0
  EXPECT_DOUBLE_EQ(stats.gap_cv, std::sqrt(2.0 / 3));
  EXPECT_DOUBLE_EQ(stats.rate_per_s, 1);
  EXPECT_EQ(stats.by_class, (std::map<std::string, std::uint64_t>{{"", 2}, {"late", 2}}));
  EXPECT_EQ(stats.by_model.at("Wan2.2-TI2V-5B"), 3u);
  EXPECT_EQ(stats.by_shape.at(Shape{832, 480, 49}), 3u);
  EXPECT_EQ(stats.by_steps.at(50), 4u);
  EXPECT_EQ(stats.work_gpu_s, std::nullopt);
}

TEST(Stats, LoadIsWorkTimesRate) {
  FakeCatalog catalog;
  const TraceStats stats = measure(*list_reader(four(), "list"), &catalog);
  const double image_s =
      to_seconds(catalog.standalone(catalog.intern(ModelId{0}, {832, 480, 1}, 1), 50, 1));
  const double video_s = 33.7473111776;
  EXPECT_NEAR(*stats.work_gpu_s, image_s + 3 * video_s, 1e-6);
  EXPECT_NEAR(*stats.offered_load_gpus, (image_s + 3 * video_s) / 4, 1e-6);
}

TEST(Stats, OfNothingAndOfOne) {
  FakeCatalog catalog;
  const TraceStats nothing = measure(*list_reader({}, "list"), &catalog);
  EXPECT_EQ(nothing.requests, 0u);
  EXPECT_EQ(nothing.rate_per_s, 0);
  EXPECT_EQ(nothing.offered_load_gpus, 0);
  const TraceStats one = measure(*list_reader({four()[0]}, "list"), &catalog);
  EXPECT_EQ(one.requests, 1u);
  EXPECT_EQ(one.gap_cv, 0);
  EXPECT_EQ(one.span(), Duration{});
}

}  // namespace
}  // namespace regroup::traces
