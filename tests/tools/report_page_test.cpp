// The page as text: what is in it stays data, and it asks for nothing from outside.
#include <gtest/gtest.h>

#include "tools/report/columns.hpp"
#include "tools/report/page.hpp"

namespace regroup::tools {
namespace {

// Of "needle" in "text".
std::size_t count(const std::string& text, const std::string& needle) {
  std::size_t found = 0;
  for (std::size_t at = text.find(needle); at != std::string::npos; at = text.find(needle, at + 1))
    ++found;
  return found;
}

TEST(Columns, ArePackedByDifferences) {
  EXPECT_EQ(packed({}), "");
  const std::int64_t values[] = {0, 1, 0, 64, -1};  // changes 0, 1, -1, 64, -65
  EXPECT_EQ(packed(values), base64(std::string("\x00\x02\x01\x80\x01\x81\x01", 7)));
}

// RFC 4648, section 10.
TEST(Columns, AreWrittenInBase64) {
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
}

TEST(Page, HoldsTitleAndData) {
  const std::string page = report_page("a & b", R"({"x": 1})");
  EXPECT_EQ(count(page, "<title>a &amp; b</title>"), 1U);
  EXPECT_EQ(count(page, "type=\"application/json\">{\"x\": 1}</script>"), 1U);
  for (const char* placeholder : {"@STYLE@", "@SCRIPT@", "@CHARTS@", "@LICENCE@", "@DATA@"})
    EXPECT_EQ(count(page, placeholder), 0U) << placeholder;
  EXPECT_EQ(count(page, "Permission is hereby granted"), 1U) << "the licence of Chart.js";
}

TEST(Page, KeepsMarkupInDataAndTitleAsText) {
  const std::string plain = report_page("t", R"({"name": "n"})");
  const std::string page =
      report_page("</title><script>", R"({"name": "</script><!--<script>alert"})");
  EXPECT_EQ(count(page, "<script"), count(plain, "<script"));
  EXPECT_EQ(count(page, "</script"), count(plain, "</script"));
  EXPECT_EQ(count(page, "<!--"), count(plain, "<!--"));
  EXPECT_EQ(count(page, "\\u003c/script>\\u003c!--\\u003cscript>alert"), 1U);
}

TEST(Page, AsksForNothing) {
  const std::string page = report_page("t", "{}");
  EXPECT_EQ(count(page, "default-src 'none'"), 1U);
  for (const char* outside :
       {"src=\"http", "href=\"http", "@import", "url(http", "sourceMappingURL"})
    EXPECT_EQ(count(page, outside), 0U) << outside;
}

}  // namespace
}  // namespace regroup::tools
