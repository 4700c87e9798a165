// The trace format of README.md.
#include <charconv>
#include <limits>

#include "core/errors.hpp"
#include "traces/csv_rows.hpp"
#include "traces/formats.hpp"

namespace regroup::traces {

namespace {

constexpr std::int64_t kMaxInt = std::numeric_limits<std::int32_t>::max();
// The timeline ends here, after 292 years.
constexpr std::int64_t kMaxMicroseconds = std::numeric_limits<std::int64_t>::max() / 1000 - 1;

enum Column : std::size_t {
  kId,
  kArrival,
  kModel,
  kWidth,
  kHeight,
  kFrames,
  kSteps,
  kGuidance,
  kClass,
  kPriority,
  kDeadline
};

// Whole microseconds with up to three decimals. False for anything else.
bool parse_microseconds(std::string_view text, TimePoint& time) {
  std::int64_t whole = 0;
  const char* const end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, whole);
  if (error != std::errc{} || text.front() == '-' || whole > kMaxMicroseconds) return false;
  std::int64_t nanoseconds = 0;
  if (at != end) {
    const std::string_view decimals(at + 1, static_cast<std::size_t>(end - at - 1));
    if (*at != '.' || decimals.empty() || decimals.size() > 3) return false;
    std::int64_t unit = 100;
    for (const char digit : decimals) {
      if (digit < '0' || digit > '9') return false;
      nanoseconds += (digit - '0') * unit;
      unit /= 10;
    }
  }
  time = TimePoint(Duration(whole * 1000 + nanoseconds));
  return true;
}

LineReader after_magic(const std::string& path, const std::string& name) {
  LineReader lines(path, name);
  std::string_view line;
  if (!lines.next(line) || line != kCsvMagic) {
    fail<ConfigError>("{}:1: found {}; the first line must be '{}'", name, shown(line), kCsvMagic);
  }
  return lines;
}

class CsvReader final : public Reader {
 public:
  CsvReader(const std::string& path, const OpenOptions& options)
      : rows_(after_magic(path, options.shown_as), kCsvColumns) {}

  bool next(Record& record) override {
    if (!rows_.next()) return false;
    record.line = rows_.lines().line_number();
    record.id = rows_.text(kId);
    if (record.id.empty()) rows_.refuse(kId, "any text");
    record.arrival = time(kArrival, last_arrival_, "of the request before");
    record.model = rows_.text(kModel);
    if (record.model.empty()) rows_.refuse(kModel, "the name of a model card");
    record.shape = {positive(kWidth), positive(kHeight), positive(kFrames)};
    record.steps = positive(kSteps);
    record.guidance = rows_.number(kGuidance, 0, 1e6);
    record.request_class = rows_.text(kClass);
    record.priority = 0;
    if (!rows_.text(kPriority).empty()) {
      record.priority = static_cast<int>(rows_.integer(kPriority, -kMaxInt, kMaxInt));
    }
    record.deadline.reset();
    if (!rows_.text(kDeadline).empty()) {
      record.deadline = time(kDeadline, record.arrival, "of this request");
    }
    last_arrival_ = record.arrival;
    return true;
  }

  std::string where(const Record& record) const override {
    return fmt::format("{}:{}", rows_.lines().path(), record.line);
  }

 private:
  std::int32_t positive(Column column) const {
    return static_cast<std::int32_t>(rows_.integer(column, 1, kMaxInt));
  }

  TimePoint time(Column column, TimePoint least, std::string_view whose) const {
    TimePoint time;
    if (!parse_microseconds(rows_.text(column), time)) {
      rows_.refuse(column, "microseconds from 0, with up to three decimals");
    }
    if (time < least) {
      rows_.refuse(column,
                   fmt::format("at least {}, the arrival {}",
                               static_cast<double>(least.time_since_epoch().count()) / 1e3, whose));
    }
    return time;
  }

  CsvRows rows_;
  TimePoint last_arrival_{};
};

}  // namespace

std::unique_ptr<Reader> open_csv(const std::string& path, const OpenOptions& options) {
  return std::make_unique<CsvReader>(path, options);
}

}  // namespace regroup::traces
