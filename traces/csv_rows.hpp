// Rows of a CSV file with known columns (RFC 4180, without line breaks inside fields).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "traces/line_reader.hpp"

namespace regroup::traces {

// All errors are ConfigErrors that name file, line, column (number and name), what was found and
// what is allowed.
class CsvRows {
 public:
  // Reads the header, which must name exactly these columns in this order. Blank lines and lines
  // that begin with '#' are passed over, here and further down.
  CsvRows(LineReader lines, std::span<const std::string_view> columns);

  // Goes to the next row; false at the end. Throws for a row with more or fewer fields than
  // columns, and for quotes that do not match.
  bool next();

  // A field of the row, from 0; valid until next().
  std::string_view text(std::size_t column) const { return fields_[column]; }
  std::int64_t integer(std::size_t column, std::int64_t least, std::int64_t most) const;
  double number(std::size_t column, double least, double most) const;

  // Raises the error for a field of the row.
  [[noreturn]] void refuse(std::size_t column, std::string_view allowed) const;

  const LineReader& lines() const { return lines_; }

 private:
  bool next_line(std::string_view& line);
  void split(std::string_view line);
  void split_quoted(std::string_view line);
  void check_header() const;
  [[noreturn]] void refuse_count() const;
  std::string place(std::size_t column) const;  // "trace.csv:17: column 3 (model)"

  LineReader lines_;
  std::span<const std::string_view> columns_;
  std::vector<std::string_view> fields_;
  std::string unquoted_;  // what the fields with quotes mean, one after the other
};

}  // namespace regroup::traces
