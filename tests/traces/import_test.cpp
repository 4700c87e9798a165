#include "traces/import.hpp"

#include <filesystem>

#include "tests/traces/trace_file.hpp"
#include "traces/stats.hpp"

namespace regroup::traces {
namespace {

const ImportOptions kFlux{.mix = named_mix("hetu-flux"), .seed = 1};

std::vector<Record> import_text(std::string_view kind, std::string_view text) {
  const TraceFile file(text);
  return read_all(*open_import(kind, file.path(), kFlux));
}

std::string import_error(std::string_view kind, std::string_view text) {
  const TraceFile file(text);
  return error_of(file.path(), [&] { read_all(*open_import(kind, file.path(), kFlux)); });
}

TEST(Import, AzureCountsFromTheFirstRow) {
  const auto records = import_text("azure",
                                   "TIMESTAMP,ContextTokens,GeneratedTokens\n"
                                   "2023-12-31 23:59:59.9799600,4808,10\n"
                                   "2024-01-01 00:00:00.0319601,3180,8\n"
                                   "2024-01-01 00:00:01+00:00,3180,8");
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].arrival, TimePoint{});
  EXPECT_EQ(records[1].arrival, TimePoint(Duration(52'000'100)));
  EXPECT_EQ(records[2].arrival, TimePoint(Duration(1'020'040'000)));
  EXPECT_EQ(records[0].model, "FLUX.1-dev");
  EXPECT_EQ(records[0].id, "r000000");
}

TEST(Import, MooncakeIsInMilliseconds) {
  const auto records =
      import_text("mooncake", "timestamp_ms,input_length,output_length\n0,1,1\n1022018,3687,2\n");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1].arrival, TimePoint(std::chrono::milliseconds(1'022'018)));
}

TEST(Import, ErrorsNameThePlace) {
  const std::string azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
  const std::string allowed = "; allowed: YYYY-MM-DD HH:MM:SS with up to nine decimals";
  for (const std::string wrong :
       {"2023-02-29 00:00:00", "2023-11-16 24:00:00", "2023-11-16 00:00:00.", "2023-11-16",
        "2023-11-16 00:00:00.0000000001", "2023-11-16 00:00:00Z", "yesterday"}) {
    EXPECT_EQ(import_error("azure", azure + wrong + ",1,1\n"),
              "F:2: column 1 (TIMESTAMP): found '" + wrong + "'" + allowed);
  }
  EXPECT_EQ(import_error("azure", azure + "2023-11-16 00:00:01,1,1\n2023-11-16 00:00:00,1,1\n"),
            "F:3: column 1 (TIMESTAMP): found '2023-11-16 00:00:00'; allowed: at least the time of "
            "the row before");
  EXPECT_EQ(import_error("azure", azure + "2023-11-16 00:00:01,many,1\n"),
            "F:2: column 2 (ContextTokens): found 'many'; allowed: a whole number from 0 to "
            "1000000000");
  EXPECT_EQ(import_error("mooncake", azure),
            "F:1: column 1 of the header is 'TIMESTAMP'; allowed: "
            "timestamp_ms,input_length,output_length");
  EXPECT_EQ(import_error("csv", azure),
            "import kind 'csv' is not known; allowed: hetu, gfdit, azure, mooncake");
  EXPECT_EQ(error_of("", [] { open_import("azure", "t.csv", {}); }),
            "t.csv: a trace of kind azure has no shapes; a mix is needed: tetriserve-uniform, "
            "tetriserve-skewed, gfdit-wan, gfdit-qwen, hetu-flux");
}

TEST(Import, StepsReplaceThoseOfAnyKind) {
  const TraceFile file(
      "Request(request_id=0, timestamp=1.0, height=16, width=16, num_inference_steps=5)");
  EXPECT_EQ(read_all(*open_import("hetu", file.path(), {.steps = 6})).at(0).steps, 6);
  EXPECT_EQ(error_of(file.path(), [&] { open_import("hetu", file.path(), {.steps = 0}); }),
            "F: steps is 0; allowed: at least 1");
  EXPECT_EQ(error_of(file.path(), [&] { open_import("hetu", file.path(), kFlux); }),
            "F: a trace of kind hetu has shapes of its own; no mix can be given");
}

// The published traces, where they are at hand. Means and CVs are those of their descriptions.
class PublishedTraces : public ::testing::Test {
 protected:
  TraceStats stats(std::string_view kind, const char* file) {
    const std::string path = std::string(RG_SHARED_DIR) + "/data/traces/" + file;
    return measure(*open_import(kind, path, kind == "hetu" ? ImportOptions{} : kFlux));
  }
  void SetUp() override {
    const std::string folder = std::string(RG_SHARED_DIR) + "/data/traces";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no published traces at " << folder;
  }
};

TEST_F(PublishedTraces, HetuFlux) {
  const TraceStats found = stats("hetu", "hetu_flux_trace.txt");
  EXPECT_EQ(found.requests, 2700u);
  EXPECT_EQ(found.by_model.size(), 1u);
  EXPECT_EQ(found.by_model.count("FLUX.1-dev"), 1u);
  EXPECT_EQ(found.by_class.size(), 5u);
  EXPECT_EQ(found.by_steps.count(28), 1u);
  EXPECT_NEAR(found.rate_per_s, 1.5, 1e-5);
  EXPECT_NEAR(found.gap_cv, 0, 1e-5);
}

TEST_F(PublishedTraces, HetuCogVideoX) {
  const TraceStats found = stats("hetu", "hetu_cogvideox_trace.txt");
  EXPECT_EQ(found.requests, 2700u);
  EXPECT_EQ(found.by_model.count("CogVideoX1.5-5B"), 1u);
  EXPECT_EQ(found.by_shape.size(), 8u);
  EXPECT_EQ(found.by_steps.count(50), 1u);
}

TEST_F(PublishedTraces, Azure) {
  const TraceStats code = stats("azure", "azure_llm_2023_code.csv");
  EXPECT_EQ(code.requests, 8819u);
  EXPECT_NEAR(code.gap_mean_s, 0.390, 0.001);
  EXPECT_NEAR(code.gap_cv, 13.15, 0.01);
  const TraceStats conversation = stats("azure", "azure_llm_2023_conv.csv");
  EXPECT_EQ(conversation.requests, 19366u);
  EXPECT_NEAR(conversation.gap_mean_s, 0.181, 0.001);
  EXPECT_NEAR(conversation.gap_cv, 1.09, 0.01);
}

TEST_F(PublishedTraces, Mooncake) {
  EXPECT_EQ(stats("mooncake", "mooncake_synthetic_slim.csv").requests, 3993u);
}

}  // namespace
}  // namespace regroup::traces
