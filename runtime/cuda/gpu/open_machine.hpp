// Opening the GPUs of this process. Not portable; emulated_machine() of tests/cuda is the same
// without GPUs.
#pragma once

#include <memory>

#include "runtime/cuda/gpu/machine.hpp"
#include "runtime/devices/device_list.hpp"

namespace regroup::cuda {

// The ranks of `devices` (of Kind::kCuda), with `layout.world` of them and a heap laid out so; its
// window may come out larger. Sets CUDA_DEVICE_MAX_CONNECTIONS and CUDA_MODULE_LOADING for this
// process unless they are set, so it must come before anything else that calls CUDA. Called once,
// from the thread that destroys the machine. Throws CudaError, one line that says what is missing:
// driver, GPU, SMs, memory, peer access.
std::unique_ptr<Machine> open_machine(const devices::DeviceList& devices,
                                      const collectives::HeapLayout& layout);

}  // namespace regroup::cuda
