#include "traces/reader.hpp"

#include "tests/traces/trace_file.hpp"

namespace regroup::traces {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

const std::string kHetuLine =
    "Request(request_id=0, timestamp=0.0, height=256, width=512, num_frames=1, prompt='A city', "
    "negative_prompt='low quality, blurry', num_inference_steps=28)\n";

TEST(CsvReader, ReadsEveryColumn) {
  const auto records = parse(std::string(kHead) +
                             "a,0,FLUX.1-dev,1024,512,1,50,3.5,big,7,2000000\n"
                             "b,1500000,Wan2.2-TI2V-5B,832,480,81,50,5,,,\n");
  ASSERT_EQ(records.size(), 2u);
  const Record a{.id = "a",
                 .arrival = TimePoint{},
                 .model = "FLUX.1-dev",
                 .shape = {1024, 512, 1},
                 .steps = 50,
                 .guidance = 3.5,
                 .request_class = "big",
                 .priority = 7,
                 .deadline = TimePoint(milliseconds(2000)),
                 .line = 3};
  EXPECT_EQ(records[0], a);
  const Record b{.id = "b",
                 .arrival = TimePoint(milliseconds(1500)),
                 .model = "Wan2.2-TI2V-5B",
                 .shape = {832, 480, 81},
                 .steps = 50,
                 .guidance = 5,
                 .request_class = "",
                 .priority = 0,
                 .deadline = std::nullopt,
                 .line = 4};
  EXPECT_EQ(records[1], b);
}

TEST(CsvReader, AcceptsCrLfNoLastNewlineCommentsAndBlankLines) {
  const auto records = parse(
      "# regroup trace v1\r\n# made by hand\r\n"
      "id,arrival_us,model,width,height,frames,steps,guidance,class,priority,deadline_us\r\n"
      "a,1,m,16,16,1,1,1,,,\r\n\r\n# between\r\nb,2,m,16,16,1,1,1,,,5");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1].line, 7u);
  EXPECT_EQ(records[1].deadline, TimePoint(microseconds(5)));
}

TEST(CsvReader, UnquotesFields) {
  const auto records = parse(std::string(kHead) +
                             "\"a,\"\"b\"\"\",1,m,16,16,1,1,1,\"#1\",,\n"
                             "\"\"\"\",1,m,16,16,1,1,1,\"\",,\n");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].id, "a,\"b\"");
  EXPECT_EQ(records[0].request_class, "#1");
  EXPECT_EQ(records[1].id, "\"");
  EXPECT_EQ(records[1].request_class, "");
}

TEST(CsvReader, ReadsNanosecondsAsDecimals) {
  const auto records = parse(std::string(kHead) + "a,1.5,m,16,16,1,1,1,,,2.007\n");
  EXPECT_EQ(records.at(0).arrival, TimePoint(Duration(1500)));
  EXPECT_EQ(records.at(0).deadline, TimePoint(Duration(2007)));
}

TEST(CsvReader, AcceptsUtf8Names) {
  EXPECT_EQ(parse(std::string(kHead) + "größe-日本-🎬,1,m,16,16,1,1,1,,,\n").at(0).id,
            "größe-日本-🎬");
}

TEST(HetuReader, ReadsEveryField) {
  const auto records = parse(kHetuLine);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].id, "0");
  EXPECT_EQ(records[0].shape, (Shape{512, 256, 1}));
  EXPECT_EQ(records[0].steps, 28);
  EXPECT_EQ(records[0].model, "FLUX.1-dev");
  EXPECT_EQ(records[0].guidance, 1);  // its guidance is distilled: one pass a step
  EXPECT_EQ(records[0].request_class, "512x256");
  EXPECT_EQ(records[0].deadline, std::nullopt);
}

TEST(HetuReader, PromptsMayHoldQuotesCommasParenthesesAndKeys) {
  for (const std::string prompt : {
           R"p('a "dog", (big), height=3)')p",
           R"p("it's a dog's life)")p",
           R"p('it\'s (a) dog\\')p",
           R"p('a dog's life, they said')p",
           R"p('')p",
       }) {
    const auto records =
        parse("Request(request_id=7, timestamp=1.25, height=16, width=32, prompt=" + prompt +
              ", negative_prompt=" + prompt + ", num_frames=1, num_inference_steps=3)");
    ASSERT_EQ(records.size(), 1u) << prompt;
    EXPECT_EQ(records[0].shape, (Shape{32, 16, 1})) << prompt;
    EXPECT_EQ(records[0].steps, 3) << prompt;
    EXPECT_EQ(records[0].arrival, TimePoint(milliseconds(1250))) << prompt;
  }
}

TEST(HetuReader, InfersTheModelFromTheFirstRequest) {
  const std::string video =
      "Request(request_id=0, timestamp=0.0, height=768, width=1360, num_frames=17, "
      "num_inference_steps=50)\n";
  EXPECT_EQ(parse(video).at(0).model, "CogVideoX1.5-5B");
  EXPECT_EQ(parse(video).at(0).guidance, 6);
  EXPECT_EQ(parse(video).at(0).request_class, "1360x768x17");
  EXPECT_EQ(parse(video, {.default_model = "HunyuanVideo"}).at(0).model, "HunyuanVideo");
}

TEST(HetuReader, SloMillisecondsGiveTheDeadline) {
  const auto records = parse(
      "Request(request_id=0, timestamp=2.0, height=16, width=16, num_inference_steps=5, "
      "slo_ms=1500.5)");
  EXPECT_EQ(records.at(0).deadline, TimePoint(microseconds(3'500'500)));
  EXPECT_EQ(records.at(0).shape.frames, 1);
}

TEST(GfDitReader, ReadsEveryField) {
  const auto records = parse(R"({"requests": [
    {"request_id": "S_000000", "request_class": "S", "arrival_ms": 183310.853,
     "deadline_ms": 233931.819, "height": 480, "width": 832, "num_frames": 49, "num_steps": 50,
     "latent_seq_len": 5070, "do_true_cfg": true, "priority": 100, "preemptible": false},
    {"request_id": "x", "arrival_ms": 200000, "height": 512, "width": 768, "num_steps": 20}]})");
  ASSERT_EQ(records.size(), 2u);
  const Record first{.id = "S_000000",
                     .arrival = TimePoint(microseconds(183'310'853)),
                     .model = "Wan2.2-TI2V-5B",
                     .shape = {832, 480, 49},
                     .steps = 50,
                     .guidance = 5,
                     .request_class = "S",
                     .priority = 100,
                     .deadline = TimePoint(microseconds(233'931'819)),
                     .line = 1};
  EXPECT_EQ(records[0], first);
  EXPECT_EQ(records[1].model, "Qwen-Image");
  EXPECT_EQ(records[1].guidance, 1);  // do_true_cfg is off for images unless the file says so
  EXPECT_EQ(records[1].request_class, "768x512");
  EXPECT_EQ(records[1].deadline, std::nullopt);
}

TEST(GfDitReader, RequestsOfOneInstantComeByTheirIds) {
  const auto request = [](const char* id, int at) {
    return fmt::format(R"({{"request_id": "{}", "arrival_ms": {}, "height": 512, "width": 512,
                            "num_steps": 2}})",
                       id, at);
  };
  const auto records =
      parse(R"({"requests": [)" + request("b", 0) + "," + request("c", 5) + "," + request("a", 5) +
            "," + request("b", 5) + "," + request("a", 6) + "]}");
  std::string order;
  for (const Record& record : records) order += record.id;
  EXPECT_EQ(order, "babca");
  EXPECT_EQ(records[1].line, 3u);
}

TEST(GfDitReader, ModelComesFromTheFileThenTheOptionThenTheFrames) {
  const std::string requests =
      R"("requests": [{"request_id": "x", "arrival_ms": 0, "height": 16, "width": 16, "num_steps": 2}]})";
  const OpenOptions options{.default_model = "FLUX.1-dev"};
  EXPECT_EQ(
      parse(R"({"model": "Wan-AI/Wan2.1-T2V-14B-Diffusers", )" + requests, options).at(0).model,
      "Wan2.1-T2V-14B");
  EXPECT_EQ(parse(R"({"metadata": {"model": "Qwen/Qwen-Image"}, )" + requests, options).at(0).model,
            "Qwen-Image");
  EXPECT_EQ(parse("{" + requests, options).at(0).model, "FLUX.1-dev");
  EXPECT_EQ(parse("{" + requests).at(0).model, "Qwen-Image");
}

TEST(Reader, WhereNamesThePlace) {
  const TraceFile file(std::string(kHead) + "a,1,m,16,16,1,1,1,,,\n");
  const auto reader = open_trace(file.path());
  Record record;
  ASSERT_TRUE(reader->next(record));
  EXPECT_EQ(reader->where(record), file.path() + ":3");
}

// 200,000 rows through a buffer of 1 MiB: nothing may depend on where a block ends.
TEST(Reader, StreamsLongFiles) {
  constexpr int kRows = 200'000;
  std::string text(kHead);
  for (int i = 0; i < kRows; ++i) {
    text += fmt::format("\"row {}\",{},m,{},16,1,50,1,c,,\n", i, i * 10, 16 * (1 + i % 7));
  }
  const TraceFile file(text);
  const auto reader = open_trace(file.path());
  Record record;
  int rows = 0;
  for (; reader->next(record); ++rows) {
    ASSERT_EQ(record.id, fmt::format("row {}", rows));
    ASSERT_EQ(record.arrival, TimePoint(microseconds(rows * 10)));
    ASSERT_EQ(record.shape.width, 16 * (1 + rows % 7));
  }
  EXPECT_EQ(rows, kRows);
}

TEST(Reader, ListMustBeInOrder) {
  Record early{.id = "early"};
  Record late{.id = "late", .arrival = TimePoint(milliseconds(1))};
  const auto reader = list_reader({late, early}, "list");
  EXPECT_EQ(error_of("", [&] { read_all(*reader); }),
            "list, request early: arrives before the request ahead of it");
}

}  // namespace
}  // namespace regroup::traces
