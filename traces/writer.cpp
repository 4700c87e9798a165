#include "traces/writer.hpp"

#include <iterator>

#include "core/errors.hpp"
#include "traces/formats.hpp"
#include "traces/line_reader.hpp"

namespace regroup::traces {

namespace {

// A field is quoted where RFC 4180 demands it, and for a '#', which pandas takes for the start of a
// comment.
void append_text(std::string& row, std::string_view text) {
  if (text.find_first_of(",\"#") == std::string_view::npos) {
    row += text;
    return;
  }
  row += '"';
  for (const char c : text) {
    if (c == '"') row += '"';
    row += c;
  }
  row += '"';
}

void append_microseconds(std::string& row, TimePoint time) {
  const std::int64_t nanoseconds = time.time_since_epoch().count();
  const auto out = std::back_inserter(row);
  if (nanoseconds % 1000 == 0) {
    fmt::format_to(out, "{}", nanoseconds / 1000);
  } else {
    fmt::format_to(out, "{}.{:03}", nanoseconds / 1000, nanoseconds % 1000);
  }
}

void check(const Record& record) {
  const auto refuse = [&](std::string_view column, std::string_view found, std::string_view rule) {
    fail<ConfigError>("trace: request {}: {} is {}; {}", shown(record.id), column, shown(found),
                      rule);
  };
  if (record.id.empty()) refuse("id", record.id, "it must not be empty");
  if (record.model.empty()) refuse("model", record.model, "it must not be empty");
  for (const std::string* name : {&record.id, &record.model, &record.request_class}) {
    if (name->find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      refuse("a name", *name, "a trace has one line for each request");
    }
  }
  if (record.arrival < TimePoint{}) {
    refuse("arrival", fmt::format("{} s", to_seconds(record.arrival)), "time begins at 0");
  }
}

}  // namespace

CsvWriter::CsvWriter(std::ostream& out, const std::string& comments) : out_(out) {
  row_ = kCsvMagic;
  row_ += '\n';
  for (std::size_t from = 0; from < comments.size();) {
    const std::size_t end = std::min(comments.find('\n', from), comments.size());
    row_ += "# ";
    row_.append(comments, from, end - from);
    row_ += '\n';
    from = end + 1;
  }
  row_ += fmt::format("{}\n", fmt::join(kCsvColumns, ","));
  out_ << row_;
}

void CsvWriter::write(const Record& record) {
  check(record);
  row_.clear();
  append_text(row_, record.id);
  row_ += ',';
  append_microseconds(row_, record.arrival);
  row_ += ',';
  append_text(row_, record.model);
  fmt::format_to(std::back_inserter(row_), ",{},{},{},{},{},", record.shape.width,
                 record.shape.height, record.shape.frames, record.steps, record.guidance);
  append_text(row_, record.request_class);
  fmt::format_to(std::back_inserter(row_), ",{},", record.priority);
  if (record.deadline) append_microseconds(row_, *record.deadline);
  row_ += '\n';
  if (!out_.write(row_.data(), static_cast<std::streamsize>(row_.size()))) {
    fail<SystemError>("trace: writing failed at request {}; is the disk full?", shown(record.id));
  }
}

std::uint64_t copy(Reader& from, CsvWriter& to) {
  std::uint64_t count = 0;
  for (Record record; from.next(record); ++count) to.write(record);
  return count;
}

}  // namespace regroup::traces
