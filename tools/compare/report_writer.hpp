// Headings, lines and tables: for a terminal, in Markdown, or as CSV.
#pragma once

#include <string>
#include <vector>

#include "tools/table.hpp"

namespace regroup::tools {

class ReportWriter {
 public:
  using Rows = std::vector<std::vector<std::string>>;

  // CSV has one table after another; what is between them is in lines that begin with "# ". JSON
  // cannot be had.
  explicit ReportWriter(TableFormat format) : format_(format) {}

  void title(const std::string& text);
  void heading(const std::string& text);
  void paragraph(const std::string& text);
  // Lines that stand as they are.
  void verbatim(const std::vector<std::string>& lines);
  // The first row is the heading; the first `left` columns are flush left, the others right.
  void table(const Rows& rows, std::size_t left = 1);

  const std::string& text() const { return text_; }

 private:
  void line(const std::string& text);

  TableFormat format_;
  std::string text_;
};

}  // namespace regroup::tools
