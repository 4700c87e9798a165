#include "tools/table.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "core/result_text.hpp"
#include "tools/progress.hpp"

namespace regroup::tools {
namespace {

// Characters, not bytes: names come from traces.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string in_percent(double share) { return fmt::format("{:.1f}", 100 * share); }

std::string number(double value, int digits) {
  return std::isnan(value) ? "-" : fmt::format("{:.{}f}", value, digits);
}

using Rows = std::vector<std::vector<std::string>>;

std::string markdown(const Rows& rows, const std::vector<std::size_t>& left) {
  std::string text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    text += '|';
    for (const std::string& cell : rows[i]) text += fmt::format(" {} |", escaped_markdown(cell));
    text += '\n';
    if (i > 0) continue;
    text += '|';
    for (std::size_t column = 0; column < rows[i].size(); ++column)
      text += std::ranges::find(left, column) != left.end() ? "---|" : "---:|";
    text += '\n';
  }
  return text;
}

std::string csv(const Rows& rows) {
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      text += fmt::format("{}{}", i == 0 ? "" : ",", csv_field(row[i]));
    text += '\n';
  }
  return text;
}

nlohmann::ordered_json value_of(const std::string& cell) {
  if (cell == "-") return nullptr;
  const auto number = nlohmann::ordered_json::parse(cell, nullptr, false);
  return number.is_number() ? number : nlohmann::ordered_json(cell);
}

std::string json(const Rows& rows) {
  auto list = nlohmann::ordered_json::array();
  for (std::size_t i = 1; i < rows.size(); ++i) {
    auto& object = list.emplace_back(nlohmann::ordered_json::object());
    for (std::size_t column = 0; column < rows[i].size(); ++column)
      object[rows[0][column]] = value_of(rows[i][column]);
  }
  return list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

double number_in(const nlohmann::json& object, const char* key) {
  const auto& value = object.at(key);
  return value.is_null() ? std::nan("") : value.get<double>();
}

}  // namespace

std::string aligned(const std::vector<std::vector<std::string>>& rows,
                    const std::vector<std::size_t>& left) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width_of(row[i]), ' ');
      const bool flush_left = std::ranges::find(left, i) != left.end();
      line += (i == 0 ? "" : "  ") + (flush_left ? row[i] + padding : padding + row[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string escaped_markdown(const std::string& cell) {
  std::string text;
  for (const char c : cell) {
    if (c == '|' || c == '*' || c == '_' || c == '<' || c == '`' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

std::string table_text(const Rows& rows, TableFormat format, const std::vector<std::size_t>& left) {
  switch (format) {
    case TableFormat::kMarkdown:
      return markdown(rows, left);
    case TableFormat::kCsv:
      return csv(rows);
    case TableFormat::kJson:
      return json(rows);
    case TableFormat::kText:
      break;
  }
  return aligned(rows, left);
}

void print_table(const Rows& rows, TableFormat format, const std::vector<std::size_t>& left) {
  std::string text = table_text(rows, format, left);
  if (format == TableFormat::kText && shows_colours(STDOUT_FILENO)) {
    text.insert(text.find('\n'), "\x1b[0m");
    text.insert(0, "\x1b[1m");
  }
  fmt::print("{}", text);
}

RunRow row_of(std::string name, const Summary& s) {
  RunRow row{.name = std::move(name),
             .requests = s.requests,
             .slo_violation_rate = s.slo_violation_rate,
             .class_violation_rates = {},
             .latency_mean_s = s.latency_s.mean,
             .latency_p95_s = s.latency_s.p95,
             .throughput_rps = s.throughput_rps,
             .utilisation = s.utilisation,
             .group_changes = s.group_changes};
  for (const ClassSummary& each : s.classes)
    row.class_violation_rates.emplace_back(each.name, each.slo_violation_rate);
  return row;
}

RunRow read_row(const std::string& directory) {
  const std::filesystem::path file = std::filesystem::path(directory) / "summary.json";
  std::ifstream stream(file);
  if (!stream) fail<ConfigError>("{}: no results here (there is no summary.json)", directory);
  try {
    const auto json = nlohmann::ordered_json::parse(stream);
    const auto& config = json.at("config");
    const std::string params = config.at("params").get<std::string>();
    RunRow row{
        .name = config.at("policy").get<std::string>() + (params.empty() ? "" : " " + params),
        .requests = json.at("requests").get<std::int64_t>(),
        .slo_violation_rate = number_in(json, "slo_violation_rate"),
        .class_violation_rates = {},
        .latency_mean_s = number_in(json, "latency_mean_s"),
        .latency_p95_s = number_in(json, "latency_p95_s"),
        .throughput_rps = number_in(json, "throughput_rps"),
        .utilisation = number_in(json, "utilisation"),
        .group_changes = json.at("group_changes").get<std::int64_t>()};
    for (const auto& [name, each] : json.at("classes").items())
      row.class_violation_rates.emplace_back(name, number_in(each, "slo_violation_rate"));
    return row;
  } catch (const nlohmann::json::exception& error) {
    fail<ConfigError>("{}: not a summary of regroup: {}", file.string(), error.what());
  }
}

std::vector<std::vector<std::string>> run_table(const std::vector<RunRow>& rows) {
  std::vector<std::string> classes;
  for (const RunRow& row : rows)
    for (const auto& [name, rate] : row.class_violation_rates)
      if (std::ranges::find(classes, name) == classes.end()) classes.push_back(name);
  std::ranges::sort(classes, [](const std::string& a, const std::string& b) {
    // "256x256" before "1024x1024"
    return std::pair(a.size(), a) < std::pair(b.size(), b);
  });

  std::vector<std::vector<std::string>> cells(1);
  cells[0] = {"policy", "SLO viol. %"};
  for (const std::string& name : classes) cells[0].push_back(name);
  for (const char* heading : {"mean s", "P95 s", "req/s", "GPU util. %", "group changes"})
    cells[0].emplace_back(heading);
  for (const RunRow& row : rows) {
    std::vector<std::string> line = {row.name, in_percent(row.slo_violation_rate)};
    for (const std::string& name : classes) {
      const auto found = std::ranges::find(row.class_violation_rates, name,
                                           &std::pair<std::string, double>::first);
      line.push_back(found == row.class_violation_rates.end() ? "-" : in_percent(found->second));
    }
    line.push_back(number(row.latency_mean_s, 2));
    line.push_back(number(row.latency_p95_s, 2));
    line.push_back(number(row.throughput_rps, 3));
    line.push_back(in_percent(row.utilisation));
    line.push_back(fmt::format("{}", row.group_changes));
    cells.push_back(std::move(line));
  }
  return cells;
}

}  // namespace regroup::tools
