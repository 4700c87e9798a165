#include "tools/result_folder.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "traces/csv_rows.hpp"

namespace regroup::tools {
namespace {

using traces::CsvRows;
using traces::LineReader;

constexpr double kLongestRun_s = 1e9;
constexpr std::int64_t kLargest = std::int64_t{1} << 62;

std::map<std::string, std::string> texts_of(const nlohmann::json& object) {
  std::map<std::string, std::string> texts;
  for (const auto& [key, value] : object.items())
    if (value.is_string()) texts.emplace(key, value.get<std::string>());
  return texts;
}

nlohmann::json parsed(const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream) fail<ConfigError>("{}: cannot be opened", file.string());
  try {
    return nlohmann::json::parse(stream);
  } catch (const nlohmann::json::exception& error) {
    fail<ConfigError>("{}: {}", file.string(), error.what());
  }
}

// A CSV file with at least the columns asked for, in any order.
class Table {
 public:
  explicit Table(const std::filesystem::path& file)
      : header_(header_of(file)),
        names_(header_.begin(), header_.end()),
        rows_(LineReader(file.string()), names_) {}

  std::size_t column(std::string_view name) const {
    const auto found = std::ranges::find(names_, name);
    if (found == names_.end()) fail<ConfigError>("{}: no column '{}'", rows_.lines().path(), name);
    return static_cast<std::size_t>(found - names_.begin());
  }

  CsvRows& rows() { return rows_; }

  std::string text(std::size_t column) const { return std::string(rows_.text(column)); }
  int integer(std::size_t column) const {
    return static_cast<int>(rows_.integer(column, INT32_MIN, INT32_MAX));
  }
  // Nine digits after the point, read through a double: exact below 50 days.
  Duration duration(std::size_t column) const {
    return from_seconds(rows_.number(column, -kLongestRun_s, kLongestRun_s));
  }
  TimePoint instant(std::size_t column) const {
    return rows_.text(column).empty() ? kNever : TimePoint(duration(column));
  }

 private:
  static std::vector<std::string> header_of(const std::filesystem::path& file) {
    LineReader lines(file.string());
    std::string_view line;
    if (!lines.next(line)) fail<ConfigError>("{}: the file is empty", file.string());
    std::vector<std::string> names;
    for (std::size_t from = 0; from <= line.size();) {
      const std::size_t comma = std::min(line.find(',', from), line.size());
      names.emplace_back(line.substr(from, comma - from));
      from = comma + 1;
    }
    return names;
  }

  std::vector<std::string> header_;
  std::vector<std::string_view> names_;  // of header_
  CsvRows rows_;
};

std::vector<RequestRow> read_requests(const std::filesystem::path& file) {
  Table table(file);
  const std::size_t id = table.column("id"), request_class = table.column("class"),
                    model = table.column("model"), arrival = table.column("arrival_s"),
                    start = table.column("start_s"), end = table.column("end"),
                    finish = table.column("finish_s"), deadline = table.column("deadline_s"),
                    width = table.column("width"), height = table.column("height"),
                    frames = table.column("frames"), steps = table.column("steps"),
                    priority = table.column("priority");
  std::vector<RequestRow> requests;
  while (table.rows().next())
    requests.push_back(
        {.id = table.text(id),
         .request_class = table.text(request_class),
         .model = table.text(model),
         .arrival = TimePoint(table.duration(arrival)),
         .start = table.instant(start),
         .finish = table.instant(finish),
         .deadline = table.instant(deadline),
         .shape = {table.integer(width), table.integer(height), table.integer(frames)},
         .steps = table.integer(steps),
         .priority = table.integer(priority),
         .rejected = table.text(end) == "rejected"});
  return requests;
}

// Takes a number off the front of the text; false if there is none that fits.
template <class Number>
bool take(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

// "cfg1.u4.r1", with ".tp2" where there is tensor parallelism.
Layout layout_of(const CsvRows& rows, std::size_t column) {
  Layout layout;
  std::string_view rest = rows.text(column);
  const auto degree = [&](std::string_view name, std::uint8_t& value) {
    if (!rest.starts_with(name)) return false;
    rest.remove_prefix(name.size());
    return take(rest, value) && value > 0;
  };
  bool good =
      degree("cfg", layout.cfg) && degree(".u", layout.ulysses) && degree(".r", layout.ring);
  if (good && !rest.empty()) good = degree(".tp", layout.tp) && rest.empty();
  if (!good) rows.refuse(column, "a layout such as cfg1.u4.r1");
  return layout;
}

Group group_of(const CsvRows& rows, std::size_t column) {
  Group group;
  std::string_view rest = rows.text(column);
  GpuId gpu;
  while (take(rest, gpu.value)) {
    group.push_back(gpu);
    if (rest.starts_with(' ')) rest.remove_prefix(1);
  }
  if (group.empty() || !rest.empty()) rows.refuse(column, "GPUs such as '0 1 2 3'");
  return group;
}

}  // namespace

std::string ResultFolder::config_value(const std::string& key, const std::string& otherwise) const {
  const auto found = config.find(key);
  return found == config.end() ? otherwise : found->second;
}

std::string ResultFolder::on() const {
  const auto found = provenance.find("on");
  return found == provenance.end() ? "" : found->second;
}

ResultFolder read_results(const std::filesystem::path& directory) {
  const std::filesystem::path summary = directory / "summary.json";
  if (!std::filesystem::exists(summary))
    fail<ConfigError>("{}: no results here (there is no summary.json)", directory.string());
  const nlohmann::json json = parsed(summary);
  if (!json.is_object() || !json.contains("config"))
    fail<ConfigError>("{}: not a summary of regroup: there is no 'config'", summary.string());
  ResultFolder folder{.path = directory,
                      .config = texts_of(json["config"]),
                      .provenance = {},
                      .requests = read_requests(directory / "requests.csv")};
  if (const auto file = directory / "provenance.json"; std::filesystem::exists(file))
    folder.provenance = texts_of(parsed(file));
  return folder;
}

std::vector<TaskRow> read_tasks(const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / "tasks.csv";
  if (!std::filesystem::exists(file))
    fail<ConfigError>("{}: there is none; replay without --no-tasks", file.string());
  Table table(file);
  const std::size_t run = table.column("run"), request = table.column("request"),
                    stage = table.column("stage"), gpus = table.column("gpus"),
                    layout = table.column("layout"), steps = table.column("steps"),
                    launch = table.column("launch_s"), end = table.column("end_s"),
                    dispatch = table.column("dispatch_s"), setup = table.column("setup_s"),
                    migrate = table.column("migrate_s"), compute = table.column("compute_s"),
                    expected = table.column("expected_s"), failed = table.column("failed");
  std::vector<TaskRow> tasks;
  while (table.rows().next())
    tasks.push_back({.run = static_cast<std::uint64_t>(table.rows().integer(run, 0, kLargest)),
                     .request = table.text(request),
                     .stage = table.text(stage),
                     .group = group_of(table.rows(), gpus),
                     .layout = layout_of(table.rows(), layout),
                     .steps = table.integer(steps),
                     .launched = TimePoint(table.duration(launch)),
                     .ended = TimePoint(table.duration(end)),
                     .times = {.dispatch = table.duration(dispatch),
                               .setup = table.duration(setup),
                               .migrate = table.duration(migrate),
                               .compute = table.duration(compute)},
                     .expected = table.duration(expected),
                     .failed = table.integer(failed) != 0});
  // Written as the runs end; launched, and so numbered, in another order.
  std::ranges::stable_sort(tasks, {}, &TaskRow::run);
  return tasks;
}

}  // namespace regroup::tools
