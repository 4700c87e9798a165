// A CUDA runtime on the CPU, for tests: what portable/cuda.hpp gives to code that is compiled by
// g++ with REGROUP_CUDA_EMULATED.
//
// A stream is an OS thread that serves a queue, so kernels of different streams run beside each
// other and may wait for each other. A kernel's blocks run one after another on that thread; the
// threads of a block are fibers, which change at block_sync(), at warp functions and at nap().
#pragma once

#include "runtime/cuda/emulator/language.hpp"
#include "runtime/cuda/emulator/runtime_api.hpp"

namespace regroup::cuda::emulator {

// What is there now, and how often CUDA was asked for more since the program began. For tests of
// leaks, and of the rule that after start-up nothing is allocated.
struct Counts {
  int device_allocations = 0;
  int host_allocations = 0;
  std::size_t device_bytes = 0;
  int streams = 0;  // without the default stream
  int events = 0;
  int graphs = 0;       // cudaGraph_t
  int executables = 0;  // cudaGraphExec_t
  long created = 0;     // of all kinds above, ever
  long kernels = 0;     // launched, ever; those of graphs at each launch of the graph
  friend bool operator==(const Counts&, const Counts&) = default;
};
Counts counts();

// Of the block that runs on this OS thread; nullptr where no dynamic shared memory was asked for.
std::byte* dynamic_shared();

}  // namespace regroup::cuda::emulator
