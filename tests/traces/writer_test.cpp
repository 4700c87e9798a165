#include "traces/writer.hpp"

#include <sstream>

#include "core/random.hpp"
#include "tests/traces/trace_file.hpp"

namespace regroup::traces {
namespace {

std::string write(const std::vector<Record>& records, const std::string& comments = {}) {
  std::ostringstream out;
  CsvWriter writer(out, comments);
  for (const Record& record : records) writer.write(record);
  return out.str();
}

Record simple(std::string id) {
  return {.id = std::move(id), .model = "m", .shape = {16, 16, 1}, .steps = 5};
}

TEST(CsvWriter, WritesTheFormat) {
  Record record = simple("a");
  record.arrival = TimePoint(Duration(1'234'567'890));
  record.deadline = TimePoint(Duration(5'000'000'000));
  record.guidance = 3.5;
  record.priority = -2;
  EXPECT_EQ(write({record}, "made by hand\nfor a test"),
            "# regroup trace v1\n# made by hand\n# for a test\n"
            "id,arrival_us,model,width,height,frames,steps,guidance,class,priority,deadline_us\n"
            "a,1234567.890,m,16,16,1,5,3.5,,-2,5000000\n");
}

TEST(CsvWriter, QuotesOnlyWhereNeeded) {
  const std::string text = write({simple("plain id"), simple("a,b"), simple("\""), simple("#1")});
  EXPECT_NE(text.find("\nplain id,"), std::string::npos);
  EXPECT_NE(text.find("\n\"a,b\","), std::string::npos);
  EXPECT_NE(text.find("\n\"\"\"\","), std::string::npos);
  EXPECT_NE(text.find("\n\"#1\","), std::string::npos);
}

TEST(CsvWriter, RefusesWhatTheFormatCannotHold) {
  const auto error = [](const Record& record) { return error_of("", [&] { write({record}); }); };
  EXPECT_EQ(error(simple("")), "trace: request '': id is ''; it must not be empty");
  EXPECT_EQ(error(simple("a\nb")),
            "trace: request 'a\\x0ab': a name is 'a\\x0ab'; a trace has one line for each request");
  Record early = simple("e");
  early.arrival = TimePoint(Duration(-1'000'000'000));
  EXPECT_EQ(error(early), "trace: request 'e': arrival is '-1 s'; time begins at 0");
}

TEST(CsvWriter, SaysWhenTheStreamFails) {
  std::ostringstream out;
  CsvWriter writer(out);
  out.setstate(std::ios::badbit);
  EXPECT_THROW(writer.write(simple("a")), SystemError);
}

TEST(CsvWriter, RoundTripIsExact) {
  RandomStream random(7, "round trip");
  const std::string letters = "ab,\"#;' \\\t\xc3\xa4=()-_.";
  const auto name = [&](std::size_t least) {
    std::string text;
    const std::size_t size = least + random.below(6);
    for (std::size_t i = 0; i < size; ++i) {
      const char c = letters[random.below(letters.size())];
      // The two bytes of an umlaut stay together.
      if (c == '\xc3' || c == '\xa4') {
        text += "\xc3\xa4";
      } else {
        text += c;
      }
    }
    return text;
  };
  std::vector<Record> records;
  std::int64_t now = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    now += static_cast<std::int64_t>(random.below(3) * random.below(1'000'000'000));
    Record record{.id = name(1),
                  .arrival = TimePoint(Duration(now)),
                  .model = name(1),
                  .shape = {static_cast<std::int32_t>(1 + random.below(4096)),
                            static_cast<std::int32_t>(1 + random.below(4096)),
                            static_cast<std::int32_t>(1 + random.below(200))},
                  .steps = static_cast<int>(1 + random.below(100)),
                  .guidance = random.uniform() * 20,
                  .request_class = name(0),
                  .priority = static_cast<int>(random.below(200)) - 100,
                  .line = i + 3};
    if (random.below(2) == 0) {
      record.deadline =
          record.arrival + Duration(static_cast<std::int64_t>(random.below(1u << 30)));
    }
    records.push_back(std::move(record));
  }
  const std::string text = write(records);
  EXPECT_EQ(parse(text), records);

  const TraceFile file(text);
  std::ostringstream again;
  CsvWriter writer(again);
  EXPECT_EQ(copy(*open_trace(file.path()), writer), records.size());
  EXPECT_EQ(again.str(), text);
}

}  // namespace
}  // namespace regroup::traces
