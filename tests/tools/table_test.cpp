// Tables in every format, and the line that tells of progress.
#include "tools/table.hpp"

#include <gtest/gtest.h>

#include "tools/progress.hpp"

namespace regroup::tools {
namespace {

const std::vector<std::vector<std::string>> kRows = {
    {"policy", "P95 s", "note"}, {"fcfs degree=4", "12.50", "-"}, {"a|b, \"c\"", "7", "1e"}};

TEST(Table, AsText) {
  EXPECT_EQ(table_text(kRows, TableFormat::kText),
            "policy         P95 s  note\n"
            "fcfs degree=4  12.50     -\n"
            "a|b, \"c\"           7    1e\n");
}

TEST(Table, AsMarkdown) {
  EXPECT_EQ(table_text(kRows, TableFormat::kMarkdown),
            "| policy | P95 s | note |\n"
            "|---|---:|---:|\n"
            "| fcfs degree=4 | 12.50 | - |\n"
            "| a\\|b, \"c\" | 7 | 1e |\n");
}

TEST(Table, AsCsv) {
  EXPECT_EQ(table_text(kRows, TableFormat::kCsv),
            "policy,P95 s,note\n"
            "fcfs degree=4,12.50,-\n"
            "\"a|b, \"\"c\"\"\",7,1e\n");
}

TEST(Table, AsJson) {
  EXPECT_EQ(table_text({kRows[0]}, TableFormat::kJson), "[]\n");
  EXPECT_EQ(
      table_text(kRows, TableFormat::kJson),
      "[\n"
      "  {\n    \"policy\": \"fcfs degree=4\",\n    \"P95 s\": 12.5,\n    \"note\": null\n  },\n"
      "  {\n    \"policy\": \"a|b, \\\"c\\\"\",\n    \"P95 s\": 7,\n    \"note\": \"1e\"\n  }\n"
      "]\n");
}

TEST(Progress, TellsRateAndTimeLeft) {
  EXPECT_EQ(progress_text("cells", 12, 40, 4),
            "[######              ] 12 of 40 cells, 3 a second, about 9 s left");
  EXPECT_EQ(progress_text("cells", 0, 40, 4), "[                    ] 0 of 40 cells, 0 a second");
  EXPECT_EQ(progress_text("cells", 40, 40, 4),
            "[####################] 40 of 40 cells, 10 a second");
  EXPECT_EQ(progress_text("runs", 1, 1000, 10),
            "[                    ] 1 of 1000 runs, 0.1 a second, about 2.8 h left");
}

TEST(Progress, OfAnUnknownNumberTellsTheRateAlone) {
  EXPECT_EQ(progress_text("requests", 500, 0, 4), "500 requests, 125 a second");
}

}  // namespace
}  // namespace regroup::tools
