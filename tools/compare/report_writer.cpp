#include "tools/compare/report_writer.hpp"

#include <fmt/format.h>

#include <numeric>

#include "tools/table.hpp"

namespace regroup::tools {
namespace {

// Names come from traces: they must not end a cell or become markup.
std::string escaped(const std::string& cell) {
  std::string text;
  for (const char c : cell) {
    if (c == '|' || c == '*' || c == '_' || c == '<' || c == '`' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

std::string markdown_row(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += fmt::format(" {} |", cell);
  return line + '\n';
}

}  // namespace

void ReportWriter::title(const std::string& text) {
  text_ += markdown_ ? fmt::format("# {}\n", escaped(text)) : fmt::format("{}\n", text);
}

void ReportWriter::heading(const std::string& text) {
  text_ += markdown_ ? fmt::format("\n## {}\n", escaped(text)) : fmt::format("\n{}\n", text);
}

void ReportWriter::paragraph(const std::string& text) {
  text_ += markdown_ ? fmt::format("\n{}\n", escaped(text)) : fmt::format("{}\n", text);
}

void ReportWriter::verbatim(const std::vector<std::string>& lines) {
  if (markdown_) text_ += "\n```\n";
  for (const std::string& line : lines) text_ += line + '\n';
  if (markdown_) text_ += "```\n";
}

void ReportWriter::table(const Rows& rows, std::size_t left) {
  if (!markdown_) {
    std::vector<std::size_t> flush_left(left);
    std::iota(flush_left.begin(), flush_left.end(), 0);
    text_ += aligned(rows, flush_left);
    return;
  }
  text_ += '\n';
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<std::string> cells;
    for (const std::string& cell : rows[i]) cells.push_back(escaped(cell));
    text_ += markdown_row(cells);
    if (i > 0) continue;
    text_ += '|';
    for (std::size_t column = 0; column < cells.size(); ++column)
      text_ += column < left ? "---|" : "---:|";
    text_ += '\n';
  }
}

}  // namespace regroup::tools
