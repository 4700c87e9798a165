// A trace that comes out of a pipe, kept so that it can be read more than once.
#pragma once

#include <string>

namespace regroup::traces {

// Whether what the path names can be read only once: a pipe, a socket, a terminal.
bool reads_once(const std::string& path);

// A copy of all that comes out of such a thing, in a file without a name in the folder for
// temporary files (TMPDIR, or /tmp). Memory does not grow with it; the file goes with this object,
// or with the process.
class Spool {
 public:
  // Reads to the end. ConfigError if the path cannot be opened, SystemError if reading fails or the
  // copy cannot be written.
  explicit Spool(const std::string& path);
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  ~Spool();

  // Opens the copy from its beginning, any number of times while this lives.
  const std::string& path() const { return path_; }

 private:
  int descriptor_ = -1;
  std::string path_;
};

}  // namespace regroup::traces
