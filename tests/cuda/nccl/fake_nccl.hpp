// A library with NCCL's functions that moves bytes between streams of the emulator, and does wrong
// what a test asks for. Loaded at run time, as NCCL is; its one other symbol is `fake_nccl`.
#pragma once

#include <atomic>

#include "runtime/cuda/nccl/nccl_api.hpp"

namespace regroup::cuda {

struct FakeNccl {
  // How a stream is given work: the emulator is in the program, not in the library.
  cudaError_t (*enqueue)(cudaStream_t stream, void (*work)(void*), void* argument) = nullptr;

  std::atomic<int> in_progress = 0;      // how often a new communicator says so when asked
  std::atomic<bool> init_hangs = false;  // for ever
  std::atomic<int> init_result = 0;      // of ncclCommInitRankConfig
  std::atomic<int> async_result = 0;     // of all communicators that there are, when asked
  std::atomic<int> version = 22809;

  // What it was asked for since the program began.
  std::atomic<int> ids = 0, inits = 0, splits = 0, destroyed = 0, aborted = 0;
  std::atomic<int> alive = 0;
  std::atomic<bool> several_threads = false;  // called it, other than for the version
};

}  // namespace regroup::cuda
