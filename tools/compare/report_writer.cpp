#include "tools/compare/report_writer.hpp"

#include <fmt/format.h>

#include <numeric>

namespace regroup::tools {
namespace {

bool markdown(TableFormat format) { return format == TableFormat::kMarkdown; }

}  // namespace

void ReportWriter::title(const std::string& text) {
  if (markdown(format_))
    text_ += fmt::format("# {}\n", escaped_markdown(text));
  else
    line(text);
}

void ReportWriter::heading(const std::string& text) {
  text_ += '\n';
  if (markdown(format_))
    text_ += fmt::format("## {}\n", escaped_markdown(text));
  else
    line(text);
}

void ReportWriter::paragraph(const std::string& text) {
  if (markdown(format_))
    text_ += fmt::format("\n{}\n", escaped_markdown(text));
  else
    line(text);
}

void ReportWriter::verbatim(const std::vector<std::string>& lines) {
  if (markdown(format_)) text_ += "\n```\n";
  for (const std::string& each : lines) {
    if (markdown(format_))
      text_ += each + '\n';
    else
      line(each);
  }
  if (markdown(format_)) text_ += "```\n";
}

void ReportWriter::table(const Rows& rows, std::size_t left) {
  std::vector<std::size_t> flush_left(left);
  std::iota(flush_left.begin(), flush_left.end(), 0);
  if (markdown(format_)) text_ += '\n';
  text_ += table_text(rows, format_, flush_left);
}

void ReportWriter::line(const std::string& text) {
  text_ += fmt::format("{}{}\n", format_ == TableFormat::kCsv ? "# " : "", text);
}

}  // namespace regroup::tools
