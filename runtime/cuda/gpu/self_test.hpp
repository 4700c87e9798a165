// Whether ranks can wait for each other, and how. No GPU promises that kernels of different slices
// run at the same time, so it is tried before anything depends on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/cuda/collectives/edge_signals.hpp"
#include "runtime/cuda/collectives/sync_mode.hpp"
#include "runtime/cuda/gpu/machine.hpp"

namespace regroup::cuda {

struct SelfTestOptions {
  std::optional<SyncMode> forced;         // only this one
  std::string shared_sms;                 // find_shared_sms(); if there are any, no kernel may spin
  const StreamMemops* memops = nullptr;   // collectives/driver_memops.hpp; null: none
  std::int64_t watchdog_ns = 50'000'000;  // how long a rank waits for its peers
  std::int64_t busy_ns = 100'000;         // how long a wave of blocks keeps a rank busy
};

struct SyncChoice {
  SyncMode mode = SyncMode::kEvent;
  std::string why;  // one line, for the log and results
};

// Has all ranks meet at barriers of DeviceCollectives: in pairs, all together, every other rank
// behind kernels that fill its SMs, and in CUDA graphs where the mode allows. Takes the first of
// kSpin, kMemop and kEvent with which all of them arrive; milliseconds if that is the first, the
// watchdog's time for every one that fails. Throws CudaError: the forced mode fails, or all do.
//
// Before arming; all streams idle and no rank's context current to another thread. The heap is
// zeroed again afterwards, as far as it was written.
SyncChoice choose_sync_mode(const Machine& machine, const SelfTestOptions& options);

}  // namespace regroup::cuda
