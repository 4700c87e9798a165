// DIR/journal, written by a thread of its own.
#pragma once

#include <filesystem>

#include "core/output_file.hpp"
#include "core/relay.hpp"

namespace regroup {

// What the loop tells journal() ends up in the file as JournalWriter writes it. The file has its
// name once it is committed. SystemError from here, from a later call of the journal, and commit().
class JournalFile {
 public:
  // The table must outlive this.
  JournalFile(const std::filesystem::path& directory, const NameTable<ClassId>& classes)
      : file_(directory, "journal"),
        writer_([this](std::string_view line) { file_.write(line); }),
        relay_(classes) {
    relay_.start(nullptr, &writer_);
  }

  Journal& journal() { return relay_; }
  void commit() {
    relay_.finish();
    file_.commit();
  }

 private:
  OutputFile file_;
  JournalWriter writer_;
  Relay relay_;  // last: its thread uses the others
};

}  // namespace regroup
