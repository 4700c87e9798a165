// A machine without GPUs: what open_machine() gives, on the emulator.
#pragma once

#include <memory>

#include "runtime/cuda/gpu/machine.hpp"

namespace regroup::cuda {

// `layout.world` ranks of 16 SMs, slices of one GPU as gpu0:<world>x16sm would have them. The heap
// is plain memory, with the window as asked for.
std::unique_ptr<Machine> emulated_machine(const collectives::HeapLayout& layout);

}  // namespace regroup::cuda
