#include "traces/reader.hpp"

#include <fmt/format.h>

#include "core/errors.hpp"
#include "traces/formats.hpp"
#include "traces/line_reader.hpp"

namespace regroup::traces {

namespace {

class ListReader final : public Reader {
 public:
  ListReader(std::vector<Record> records, std::string name)
      : records_(std::move(records)), name_(std::move(name)) {}

  bool next(Record& record) override {
    if (next_ == records_.size()) return false;
    if (next_ > 0 && records_[next_].arrival < records_[next_ - 1].arrival) {
      fail<ConfigError>("{}: arrives before the request ahead of it", where(records_[next_]));
    }
    record = records_[next_++];
    return true;
  }

  std::string where(const Record& record) const override {
    return fmt::format("{}, request {}", name_, record.id);
  }

 private:
  std::vector<Record> records_;
  std::string name_;
  std::size_t next_ = 0;
};

// The first line that is not blank, less leading blanks.
std::string first_text(const std::string& path, const std::string& name) {
  LineReader lines(path, name);
  std::string_view line;
  while (lines.next(line)) {
    const std::size_t start = line.find_first_not_of(" \t");
    if (start != std::string_view::npos) return std::string(line.substr(start));
  }
  fail<ConfigError>("{}: the file is empty", name);
}

}  // namespace

std::string shape_name(Shape shape) {
  if (shape.frames == 1) return fmt::format("{}x{}", shape.width, shape.height);
  return fmt::format("{}x{}x{}", shape.width, shape.height, shape.frames);
}

std::unique_ptr<Reader> open_trace(const std::string& path, const OpenOptions& given) {
  OpenOptions options = given;
  if (options.shown_as.empty()) options.shown_as = path;
  const std::string text = first_text(path, options.shown_as);
  if (text.starts_with("# regroup trace")) return open_csv(path, options);
  if (text.starts_with("Request(")) return open_hetu(path, options);
  if (text.starts_with("{")) return open_gfdit(path, options);
  std::string_view hint;
  if (text.starts_with("id,arrival_us")) {
    hint = "; put that line first";
  } else if (text.starts_with("TIMESTAMP,") || text.starts_with("timestamp_ms,")) {
    hint = "; this one holds arrivals without shapes: import it (kinds azure, mooncake)";
  }
  fail<ConfigError>(
      "{}: not a trace: it begins with {}; allowed: '{}' (CSV), 'Request(' (Hetu-DiT text), "
      "'{{' (GF-DiT workload JSON){}",
      options.shown_as, shown(text), kCsvMagic, hint);
}

std::unique_ptr<Reader> list_reader(std::vector<Record> records, std::string name) {
  return std::make_unique<ListReader>(std::move(records), std::move(name));
}

std::vector<Record> read_all(Reader& reader) {
  std::vector<Record> records;
  for (Record record; reader.next(record);) records.push_back(record);
  return records;
}

}  // namespace regroup::traces
