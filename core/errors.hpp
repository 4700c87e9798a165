// The ways a run can end early. An exception carries where, what, and what to do about it; tools/
// turns its kind into the exit code. RG_CHECK is for our own bugs.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace regroup {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A flag, file or combination of them that cannot be used. Exit code 2.
class ConfigError : public Error {
 public:
  using Error::Error;
};

// The machine refused: I/O, memory, a device. Exit code 3.
class SystemError : public Error {
 public:
  using Error::Error;
};

// A GPU, its driver or a library of CUDA's refused. Exit code 3.
class CudaError : public SystemError {
 public:
  using SystemError::SystemError;
};

// NCCL refused, or did not answer in time. Exit code 3.
class NcclError : public SystemError {
 public:
  using SystemError::SystemError;
};

// The policy broke its contract. Exit code 4.
class PolicyError : public Error {
 public:
  using Error::Error;
};

// Something that was asked to be checked is not so. Exit code 1.
class CheckFailed : public Error {
 public:
  using Error::Error;
};

// A broken promise of our own code. Exit code 70.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// fail<ConfigError>("{}: no such model", name). Cold: the code that makes a message stays out of
// the functions that hardly ever need one.
template <class E, class... Args>
[[noreturn, gnu::cold, gnu::noinline]] void fail(fmt::format_string<Args...> text, Args&&... args) {
  throw E(fmt::format(text, std::forward<Args>(args)...));
}

// What RG_CHECK says, where and why.
template <class... Args>
[[noreturn, gnu::cold, gnu::noinline]] void fail_check(const char* file, int line,
                                                       const char* condition,
                                                       fmt::format_string<Args...> text,
                                                       Args&&... args) {
  throw InternalError(fmt::format("{}:{}: {}: {}", file, line, condition,
                                  fmt::format(text, std::forward<Args>(args)...)));
}

}  // namespace regroup

#define RG_CHECK(condition, ...)                                          \
  do {                                                                    \
    if (!(condition)) [[unlikely]]                                        \
      ::regroup::fail_check(__FILE__, __LINE__, #condition, __VA_ARGS__); \
  } while (false)
