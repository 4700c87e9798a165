#include "traces/spool.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "core/errors.hpp"

namespace regroup::traces {
namespace {

constexpr std::size_t kBuffer = std::size_t{1} << 16;

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// Open for writing, and gone from its folder: the machine takes it back whatever becomes of us.
int unnamed_file() {
  std::string name = (std::filesystem::temp_directory_path() / "regroup-trace-XXXXXX").string();
  const int descriptor = ::mkstemp(name.data());
  if (descriptor < 0)
    fail<SystemError>("{}: cannot make a file for a copy of the trace: {}", name,
                      std::strerror(errno));
  ::unlink(name.c_str());
  return descriptor;
}

void write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail<SystemError>("a copy of the trace: cannot write: {}", std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

bool reads_once(const std::string& path) {
  struct stat what {};
  if (::stat(path.c_str(), &what) != 0) return false;  // opening it will say what is wrong
  return S_ISFIFO(what.st_mode) || S_ISSOCK(what.st_mode) || S_ISCHR(what.st_mode);
}

Spool::Spool(const std::string& path) {
  const std::unique_ptr<std::FILE, Close> from(std::fopen(path.c_str(), "rb"));
  if (!from) fail<ConfigError>("{}: cannot be opened: {}", path, std::strerror(errno));
  descriptor_ = unnamed_file();
  path_ = fmt::format("/proc/self/fd/{}", descriptor_);
  try {
    std::vector<char> buffer(kBuffer);
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), from.get()))
      write_all(descriptor_, {buffer.data(), got});
    if (std::ferror(from.get()) != 0)
      fail<SystemError>("{}: reading failed: {}", path, std::strerror(errno));
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

Spool::~Spool() { ::close(descriptor_); }

}  // namespace regroup::traces
