#include "traces/csv_rows.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/errors.hpp"

namespace regroup::traces {

CsvRows::CsvRows(LineReader lines, std::span<const std::string_view> columns)
    : lines_(std::move(lines)), columns_(columns) {
  std::string_view line;
  if (!next_line(line)) {
    fail<ConfigError>("{}: the file ends before the header; it must be '{}'", lines_.path(),
                      fmt::join(columns_, ","));
  }
  split(line);
  check_header();
}

bool CsvRows::next_line(std::string_view& line) {
  while (lines_.next(line)) {
    if (!line.empty() && line.front() != '#') return true;
  }
  return false;
}

bool CsvRows::next() {
  std::string_view line;
  if (!next_line(line)) return false;
  split(line);
  if (fields_.size() != columns_.size()) refuse_count();
  return true;
}

void CsvRows::split(std::string_view line) {
  fields_.clear();
  if (std::memchr(line.data(), '"', line.size()) != nullptr) return split_quoted(line);
  const char* from = line.data();
  const char* const end = from + line.size();
  // Fields are a few bytes long: a plain loop is faster than one memchr for each.
  for (const char* at = from; at != end; ++at) {
    if (*at != ',') continue;
    fields_.emplace_back(from, static_cast<std::size_t>(at - from));
    from = at + 1;
  }
  fields_.emplace_back(from, static_cast<std::size_t>(end - from));
}

void CsvRows::split_quoted(std::string_view line) {
  unquoted_.clear();
  unquoted_.reserve(line.size());  // never grows below: fields_ points into it
  for (std::size_t at = 0;; ++at) {
    const std::size_t column = fields_.size();
    if (at == line.size() || line[at] != '"') {
      const std::size_t comma = std::min(line.find(',', at), line.size());
      const std::string_view field = line.substr(at, comma - at);
      if (field.find('"') != std::string_view::npos) {
        fail<ConfigError>(
            "{}: found {}; a field with quotes in it must be quoted, each quote doubled",
            place(column), shown(field));
      }
      fields_.push_back(field);
      at = comma;
    } else {
      const std::size_t start = unquoted_.size();
      const std::size_t open = at++;
      while (at < line.size() && (line[at] != '"' || line.substr(at, 2) == "\"\"")) {
        if (line[at] == '"') ++at;
        unquoted_ += line[at++];
      }
      if (at == line.size()) {
        fail<ConfigError>("{}: found {}, a quote that is not closed on its line", place(column),
                          shown(line.substr(open)));
      }
      ++at;
      if (at < line.size() && line[at] != ',') {
        fail<ConfigError>("{}: found {} after the closing quote; only a comma may follow",
                          place(column), shown(line.substr(at)));
      }
      fields_.push_back(std::string_view(unquoted_).substr(start));
    }
    if (at == line.size()) return;
  }
}

void CsvRows::check_header() const {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (std::find(columns_.begin(), columns_.end(), fields_[i]) == columns_.end()) {
      fail<ConfigError>("{}: column {} of the header is {}; allowed: {}", lines_.where(), i + 1,
                        shown(fields_[i]), fmt::join(columns_, ","));
    }
    const auto first = std::find(fields_.begin(), fields_.end(), fields_[i]);
    if (first != fields_.begin() + static_cast<std::ptrdiff_t>(i)) {
      fail<ConfigError>("{}: the header names '{}' twice, in columns {} and {}", lines_.where(),
                        fields_[i], first - fields_.begin() + 1, i + 1);
    }
  }
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (std::find(fields_.begin(), fields_.end(), columns_[i]) == fields_.end()) {
      fail<ConfigError>("{}: the header has no column '{}'; it must be '{}'", lines_.where(),
                        columns_[i], fmt::join(columns_, ","));
    }
    if (fields_[i] != columns_[i]) {
      fail<ConfigError>("{}: column {} of the header is '{}', not '{}'; it must be '{}'",
                        lines_.where(), i + 1, fields_[i], columns_[i], fmt::join(columns_, ","));
    }
  }
}

void CsvRows::refuse_count() const {
  const std::size_t found = fields_.size();
  const std::size_t needed = columns_.size();
  if (found > needed) {
    fail<ConfigError>("{}: column {}: found {}; a row has {} fields, this one {}", lines_.where(),
                      needed + 1, shown(fields_[needed]), needed, found);
  }
  fail<ConfigError>("{}: the row ends after {} of {} fields{}", place(found), found, needed,
                    lines_.at_unended_line() ? "; the file is cut off here" : "");
}

std::string CsvRows::place(std::size_t column) const {
  if (column >= columns_.size()) return fmt::format("{}: column {}", lines_.where(), column + 1);
  return fmt::format("{}: column {} ({})", lines_.where(), column + 1, columns_[column]);
}

void CsvRows::refuse(std::size_t column, std::string_view allowed) const {
  fail<ConfigError>("{}: found {}; allowed: {}", place(column), shown(fields_[column]), allowed);
}

std::int64_t CsvRows::integer(std::size_t column, std::int64_t least, std::int64_t most) const {
  const std::string_view field = fields_[column];
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc{} || end != field.data() + field.size() || value < least || value > most) {
    refuse(column, fmt::format("a whole number from {} to {}", least, most));
  }
  return value;
}

double CsvRows::number(std::size_t column, double least, double most) const {
  const std::string_view field = fields_[column];
  double value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  // Written so that NaN is refused.
  if (error != std::errc{} || end != field.data() + field.size() ||
      !(value >= least && value <= most)) {
    refuse(column, fmt::format("a number from {} to {}", least, most));
  }
  return value;
}

}  // namespace regroup::traces
