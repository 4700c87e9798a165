// Lines of a text file, one at a time, through one buffer.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace regroup::traces {

class LineReader {
 public:
  // No line may be longer than this, in bytes.
  static constexpr std::size_t kMaxLine = std::size_t{1} << 20;

  // Messages call the file by `name`, if there is one. Throws ConfigError if it cannot be opened.
  explicit LineReader(const std::string& path, std::string name = {});

  // The next line without its end (LF or CRLF; the last line needs none); valid until the next
  // call. False at the end of the file. Throws ConfigError, naming the line, for text that is not
  // UTF-8, for a NUL byte and for a line that is too long; SystemError if reading fails.
  bool next(std::string_view& line);

  const std::string& path() const { return name_; }      // as messages call it
  std::uint64_t line_number() const { return number_; }  // of the line read last, from 1
  // Whether the line read last had no end: the file stops there.
  bool at_unended_line() const { return unended_; }
  std::string where() const;  // "trace.csv:17"

 private:
  static constexpr std::size_t kBuffer = kMaxLine + 2;  // the longest line and its CRLF

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  bool fill();  // brings in more bytes behind the unread ones; false when there are none
  void check_text(std::string_view line) const;

  std::string name_;
  std::unique_ptr<std::FILE, Close> file_;
  std::unique_ptr<char[]> buffer_;  // of kBuffer bytes
  std::size_t begin_ = 0;           // the unread bytes of buffer_
  std::size_t end_ = 0;
  std::uint64_t number_ = 0;
  bool unended_ = false;
};

// What was found in a file, fit for a message: in quotes, shortened, without control characters.
std::string shown(std::string_view found);

}  // namespace regroup::traces
