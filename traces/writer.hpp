// Writes the trace format of README.md.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "traces/reader.hpp"

namespace regroup::traces {

// Reading back what was written gives equal records (but for Record::line): times to the
// nanosecond, guidance to the last bit. The stream must outlive the writer.
class CsvWriter {
 public:
  // Writes the two head lines, with `comments` (each line becomes one that begins with "# ")
  // between them.
  explicit CsvWriter(std::ostream& out, const std::string& comments = {});

  // Throws ConfigError for a record that the format cannot hold (an empty id or model, a line break
  // in a name, a time before zero) and SystemError when the stream refuses.
  void write(const Record& record);

 private:
  std::ostream& out_;
  std::string row_;
};

// Writes all that is left of `from`. Gives the number of records.
std::uint64_t copy(Reader& from, CsvWriter& to);

}  // namespace regroup::traces
