// Measures a piece of work without what the program did before.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace regroup::tools {

struct ProcessResult {
  std::string text;                 // what the work returned
  std::int64_t peak_rss_bytes = 0;  // of its process, the program itself included
};

// Forks, runs `work` in the child, and waits for it. The caller must have no other threads, and
// nothing unwritten in its streams. An exception in the child is thrown here as SystemError with
// its text; so is a child that is killed.
ProcessResult in_own_process(const std::function<std::string()>& work);

}  // namespace regroup::tools
