// What can be made to go wrong, to see that it is found and survived.
#pragma once

#include <string>

#include "regroup/policy/types.hpp"

namespace regroup::serve {

struct Fault {
  enum class Kind {
    kKill,     // the rank's thread ends in the middle of a step
    kDelay,    // one step of the rank takes longer by `delay`
    kSwap,     // the rank takes its next two operations in another order than its peers
    kCorrupt,  // a byte of a state that the rank holds changes
  };
  Kind kind{};
  int rank = 0;
  TimePoint at{};  // at the rank's first step that begins then or later; once
  Duration delay{};
};

// "kill:RANK@SECONDS", "delay:RANK@SECONDS:SECONDS", "swap:...", "corrupt:...". ConfigError.
Fault parse_fault(const std::string& text);

}  // namespace regroup::serve
