// Failures in words.
#pragma once

#include <string>

#include "runtime/collectives/failure.hpp"

namespace regroup::collectives {

// One sentence: at which rank, peer and sequence number, what happened, and what each of the two
// was doing.
std::string describe(const Failure& failure);

}  // namespace regroup::collectives
