// Whether slices are what they promise. Not portable.
#pragma once

#include <string>

#include "runtime/cuda/gpu/machine.hpp"

namespace regroup::cuda {

// Runs a kernel at every rank and looks where its blocks went. Empty: no two ranks of a GPU share
// an SM; otherwise the first two that do, in words. All ranks idle and current to no other thread;
// before arming.
std::string find_shared_sms(const Machine& machine);

}  // namespace regroup::cuda
