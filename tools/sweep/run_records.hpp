// What a sweep knows of the runs that are done: files of one line for each, that are only appended
// to, so that a sweep that was killed goes on where it was.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "tools/sweep/run_numbers.hpp"

namespace regroup::tools {

// By run_id().
using RunRecords = std::map<std::string, RunNumbers>;

// Every run in the files *.jsonl of a folder. A last line without its end is what a process was
// writing when it was killed, and is passed over. Throws CheckFailed for a line that is no record,
// and for two that say different things of one run; SystemError where the machine refuses.
RunRecords read_run_records(const std::filesystem::path& folder);

// The file of one process: FOLDER/NAME.N.jsonl with the first N that nobody has. It is created with
// its first line.
class RunRecorder {
 public:
  RunRecorder(std::filesystem::path folder, std::string name);
  RunRecorder(const RunRecorder&) = delete;
  RunRecorder& operator=(const RunRecorder&) = delete;
  ~RunRecorder();

  // From any thread. The line is in the file when this returns, and on the disk at most about a
  // second and a run later: a process that is killed loses no line, a machine that stops a few.
  // Throws SystemError; after that it takes no more.
  void append(const std::string& id, const RunNumbers& numbers);
  // Everything is on the disk. Nothing may be appended after.
  void close();

 private:
  void create();

  std::filesystem::path folder_;
  std::string name_;
  std::filesystem::path path_;  // once created
  std::mutex mutex_;
  int descriptor_ = -1;
  std::chrono::steady_clock::time_point synced_{};
};

}  // namespace regroup::tools
