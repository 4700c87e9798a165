// Trace files for tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

#include "core/errors.hpp"
#include "traces/reader.hpp"

namespace regroup::traces {

inline constexpr std::string_view kHead =
    "# regroup trace v1\n"
    "id,arrival_us,model,width,height,frames,steps,guidance,class,priority,deadline_us\n";

// A file that lives as long as the object.
class TraceFile {
 public:
  explicit TraceFile(std::string_view text) {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = ::testing::TempDir() + "regroup_" + test->test_suite_name() + "_" + test->name() + "_" +
            std::to_string(getpid());
    rewrite(text);
  }
  ~TraceFile() { std::remove(path_.c_str()); }
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  // A new file in place of the old: some file systems wait for the disk when one is cut to zero.
  void rewrite(std::string_view text) const {
    std::remove(path_.c_str());
    std::ofstream(path_, std::ios::binary) << text;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::vector<Record> parse(std::string_view text, const OpenOptions& options = {}) {
  const TraceFile file(text);
  return read_all(*open_trace(file.path(), options));
}

// The message of the ConfigError that the call ends with, with `path` shortened to "F".
template <class Call>
std::string error_of(const std::string& path, Call&& call) {
  try {
    call();
  } catch (const ConfigError& error) {
    std::string text = error.what();
    for (std::size_t at; !path.empty() && (at = text.find(path)) != std::string::npos;) {
      text.replace(at, path.size(), "F");
    }
    return text;
  }
  return "no error";
}

inline std::string parse_error(std::string_view text, const OpenOptions& options = {}) {
  const TraceFile file(text);
  return error_of(file.path(), [&] { read_all(*open_trace(file.path(), options)); });
}

}  // namespace regroup::traces
