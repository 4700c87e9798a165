// Tables, for a terminal or for programs.
#pragma once

#include <string>
#include <vector>

#include "core/metrics.hpp"

namespace regroup::tools {

// Rows of cells; the first row is the heading. The columns named `left` are flush left, the others
// right.
std::string aligned(const std::vector<std::vector<std::string>>& rows,
                    const std::vector<std::size_t>& left = {0});

// What a table is printed as.
enum class TableFormat { kText, kMarkdown, kCsv, kJson };

// The same rows: aligned; in Markdown; as CSV; or as a JSON list of objects by heading, where what
// reads as a number is one and "-" is null. Ends with a newline.
std::string table_text(const std::vector<std::vector<std::string>>& rows, TableFormat format,
                       const std::vector<std::size_t>& left = {0});
// To standard output; aligned, the heading is bold where that is a terminal.
void print_table(const std::vector<std::vector<std::string>>& rows, TableFormat format,
                 const std::vector<std::size_t>& left = {0});

// "12.5 %"
std::string percent(double share);

// For a cell of Markdown: names come from traces, and must not end it or become markup.
std::string escaped_markdown(const std::string& cell);

// What the comparison of runs shows of one of them.
struct RunRow {
  std::string name;
  std::int64_t requests = 0;
  double slo_violation_rate = 0;
  std::vector<std::pair<std::string, double>> class_violation_rates;
  double latency_mean_s = 0;
  double latency_p95_s = 0;
  double throughput_rps = 0;
  double utilisation = 0;
  std::int64_t group_changes = 0;
};
RunRow row_of(std::string name, const Summary& summary);
// Reads DIR/summary.json. Throws ConfigError for a folder that holds no results.
RunRow read_row(const std::string& directory);

// One row a run under a heading; a column for the violations of each class that any of them has.
std::vector<std::vector<std::string>> run_table(const std::vector<RunRow>& rows);

}  // namespace regroup::tools
