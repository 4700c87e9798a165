// The arming rule: once the ranks work, nothing may allocate, free, create handles or streams,
// instantiate graphs or build plans. Each of these can wait for everything that runs on the GPU,
// and so chain a rank to a peer that spins until this rank comes: a deadlock. C++17, for .cu files.
#pragma once

namespace regroup::cuda {

// The rule binds the whole process, because CUDA's implicit waits do: one thread that allocates can
// stop all ranks. So this is one flag for the process; any thread may look at it.

// Called when everything is built, before the first step. InternalError: already armed.
void arm();

// Called for shut-down, or before re-planning, once all ranks are idle.
void disarm();

bool armed();

// Called by whoever is about to do one of these things. InternalError if armed, naming `attempt`:
// "allocating 4096 bytes for the text embedding".
void forbid_if_armed(const char* attempt);

}  // namespace regroup::cuda
