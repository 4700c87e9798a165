// CUDA as the portable part of this folder uses it: the runtime API, from the toolkit or from the
// emulator of tests/cuda/emulator, which carries kernels out on the CPU. Sources that need more
// (the driver, libraries) include it themselves and are not portable.
#pragma once

#if defined(REGROUP_CUDA_EMULATED)
#include "runtime/cuda/emulator/cuda_emulator.hpp"
#else
#include <cuda_bf16.h>
#include <cuda_runtime.h>
#endif
