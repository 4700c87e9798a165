// The driver's operations on memory in streams, for SyncMode::kMemop. Not portable.
#pragma once

#include <memory>

#include "runtime/cuda/collectives/edge_signals.hpp"
#include "runtime/cuda/gpu/machine.hpp"

namespace regroup::cuda {

// Null: one of the machine's GPUs has none for 64-bit words. CudaError: there is no driver.
std::unique_ptr<StreamMemops> driver_memops(const Machine& machine);

}  // namespace regroup::cuda
