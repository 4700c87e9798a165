// Headings, lines and tables, for a terminal or in Markdown.
#pragma once

#include <string>
#include <vector>

namespace regroup::tools {

class ReportWriter {
 public:
  using Rows = std::vector<std::vector<std::string>>;

  explicit ReportWriter(bool markdown) : markdown_(markdown) {}

  void title(const std::string& text);
  void heading(const std::string& text);
  void paragraph(const std::string& text);
  // Lines that stand as they are.
  void verbatim(const std::vector<std::string>& lines);
  // The first row is the heading; the first `left` columns are flush left, the others right.
  void table(const Rows& rows, std::size_t left = 1);

  const std::string& text() const { return text_; }

 private:
  bool markdown_;
  std::string text_;
};

}  // namespace regroup::tools
