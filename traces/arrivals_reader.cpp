// Traces of language models: arrivals from the file, what arrives from a mix.
#include <charconv>
#include <chrono>
#include <optional>

#include "core/errors.hpp"
#include "core/random.hpp"
#include "traces/csv_rows.hpp"
#include "traces/formats.hpp"

namespace regroup::traces {

namespace {

constexpr std::size_t kTime = 0;  // the column; the two behind it count tokens
constexpr std::string_view kAzureColumns[] = {"TIMESTAMP", "ContextTokens", "GeneratedTokens"};
constexpr std::string_view kMooncakeColumns[] = {"timestamp_ms", "input_length", "output_length"};

class ArrivalsReader : public Reader {
 public:
  ArrivalsReader(const std::string& path, std::span<const std::string_view> columns,
                 const ImportOptions& options)
      : rows_(LineReader(path), columns), options_(options), kinds_(options.seed, "trace mix") {}

  bool next(Record& record) final {
    if (!rows_.next()) return false;
    rows_.integer(1, 0, kMaxTokens);
    rows_.integer(2, 0, kMaxTokens);
    const MixEntry& kind = draw(options_.mix, kinds_);
    record.line = rows_.lines().line_number();
    record.id = fmt::format("r{:06}", given_++);
    record.arrival = TimePoint(arrival());
    if (record.arrival < last_arrival_) rows_.refuse(kTime, "at least the time of the row before");
    last_arrival_ = record.arrival;
    fill(record, kind, options_.steps);
    return true;
  }

  std::string where(const Record& record) const final {
    return fmt::format("{}:{}", rows_.lines().path(), record.line);
  }

 protected:
  // Time of the row, from the start of the run.
  virtual Duration arrival() = 0;
  const CsvRows& rows() const { return rows_; }

 private:
  static constexpr std::int64_t kMaxTokens = 1'000'000'000;

  CsvRows rows_;
  ImportOptions options_;
  RandomStream kinds_;
  TimePoint last_arrival_{};
  std::uint64_t given_ = 0;
};

// Takes a number of `digits` digits and the `end` behind it (0: none) off the text.
std::optional<int> take(std::string_view& text, std::size_t digits, char end) {
  int value = 0;
  const std::size_t size = digits + (end != 0 ? 1 : 0);
  if (text.size() < size || (end != 0 && text[digits] != end)) return std::nullopt;
  const auto [at, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc{} || at != text.data() + digits || value < 0) return std::nullopt;
  text.remove_prefix(size);
  return value;
}

// "2023-11-16 18:17:03.9799600", the decimals and a "+00:00" behind them may be missing; since
// 1970, taking every day for 86,400 s.
std::optional<Duration> parse_wall_clock(std::string_view text) {
  namespace chrono = std::chrono;
  const auto year = take(text, 4, '-');
  const auto month = take(text, 2, '-');
  const auto day = take(text, 2, ' ');
  const auto hour = take(text, 2, ':');
  const auto minute = take(text, 2, ':');
  const auto second = take(text, 2, 0);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const chrono::year_month_day date{chrono::year(*year),
                                    chrono::month(static_cast<unsigned>(*month)),
                                    chrono::day(static_cast<unsigned>(*day))};
  if (*year < 1970 || *year > 2200 || !date.ok()) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 59) return std::nullopt;

  std::int64_t nanoseconds = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    std::int64_t unit = 100'000'000;
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0 || digits > 9) return std::nullopt;
    for (const char digit : text.substr(0, digits)) {
      nanoseconds += (digit - '0') * unit;
      unit /= 10;
    }
    text.remove_prefix(digits);
  }
  if (!text.empty() && text != "+00:00") return std::nullopt;
  return chrono::sys_days(date).time_since_epoch() + chrono::hours(*hour) +
         chrono::minutes(*minute) + chrono::seconds(*second) + Duration(nanoseconds);
}

class AzureReader final : public ArrivalsReader {
 public:
  AzureReader(const std::string& path, const ImportOptions& options)
      : ArrivalsReader(path, kAzureColumns, options) {}

 private:
  Duration arrival() override {
    const std::optional<Duration> time = parse_wall_clock(rows().text(kTime));
    if (!time) rows().refuse(kTime, "YYYY-MM-DD HH:MM:SS with up to nine decimals");
    if (!start_) start_ = time;
    return *time - *start_;
  }

  std::optional<Duration> start_;
};

class MooncakeReader final : public ArrivalsReader {
 public:
  MooncakeReader(const std::string& path, const ImportOptions& options)
      : ArrivalsReader(path, kMooncakeColumns, options) {}

 private:
  Duration arrival() override {
    constexpr std::int64_t kMaxMilliseconds = 9'000'000'000'000;
    return std::chrono::milliseconds(rows().integer(kTime, 0, kMaxMilliseconds));
  }
};

}  // namespace

std::unique_ptr<Reader> open_azure(const std::string& path, const ImportOptions& options) {
  return std::make_unique<AzureReader>(path, options);
}

std::unique_ptr<Reader> open_mooncake(const std::string& path, const ImportOptions& options) {
  return std::make_unique<MooncakeReader>(path, options);
}

}  // namespace regroup::traces
