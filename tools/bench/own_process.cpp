#include "tools/bench/own_process.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <system_error>

#include "core/errors.hpp"

namespace regroup::tools {
namespace {

constexpr int kThrew = 1;

[[noreturn]] void refuse(const char* call) {
  fail<SystemError>("{}: {}", call, std::generic_category().message(errno));
}

void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno != EINTR) return;  // the parent is gone
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::string read_all(int descriptor) {
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t count = ::read(descriptor, buffer, sizeof buffer);
    if (count == 0) return text;
    if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
    if (count < 0 && errno != EINTR) refuse("read");
  }
}

// Ends without destructors or exit handlers: those are the parent's business.
[[noreturn]] void child(int descriptor, const std::function<std::string()>& work) {
  int code = 0;
  std::string text;
  try {
    text = work();
  } catch (const std::exception& error) {
    text = error.what();
    code = kThrew;
  }
  write_all(descriptor, text);
  ::_exit(code);
}

}  // namespace

ProcessResult in_own_process(const std::function<std::string()>& work) {
  int ends[2];
  if (::pipe(ends) != 0) refuse("pipe");
  const pid_t process = ::fork();
  if (process < 0) refuse("fork");
  if (process == 0) {
    ::close(ends[0]);
    child(ends[1], work);
  }
  ::close(ends[1]);
  ProcessResult result{.text = read_all(ends[0])};
  ::close(ends[0]);

  int status = 0;
  rusage usage{};
  while (::wait4(process, &status, 0, &usage) < 0)
    if (errno != EINTR) refuse("wait4");
  if (WIFSIGNALED(status))
    fail<SystemError>("a measured process was killed by signal {}", WTERMSIG(status));
  if (WEXITSTATUS(status) != 0) throw SystemError(result.text);
  constexpr std::int64_t kUnit = 1024;  // Linux counts in KiB
  result.peak_rss_bytes = usage.ru_maxrss * kUnit;
  return result;
}

}  // namespace regroup::tools
