// A journal, read back entry by entry.
#pragma once

#include <istream>
#include <memory>
#include <string>

#include "core/journal_format.hpp"

namespace regroup {

// Memory does not grow with the journal. Throws ConfigError, naming the file and the byte, for what
// is not a journal, is one of another version, or is cut short, as that of a run that was killed
// is: what came before the cut has been read by then. SystemError if the machine refuses to read.
class JournalReader {
 public:
  // Reads the heading. `bytes` must outlive this; the name stands for the file in messages.
  JournalReader(std::istream& bytes, std::string name);

  // False at the end.
  bool next(JournalEntry& entry);

  // Of the entry read last, as `regroup journal` prints it; the heading is line 1.
  std::uint64_t line() const { return line_; }
  const std::string& name() const { return name_; }

 private:
  class Decoder;

  void read_heading();
  bool fill();  // false at the end
  bool byte(std::uint8_t& value);

  std::istream& bytes_;
  std::string name_;
  std::uint64_t line_ = 1;
  journal_format::Context context_;
  std::unique_ptr<char[]> buffer_;
  const char* at_ = nullptr;  // in the buffer
  const char* end_ = nullptr;
  std::uint64_t filled_ = 0;  // where the buffer ends in the file
};

}  // namespace regroup
