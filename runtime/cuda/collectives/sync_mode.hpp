// How ranks wait for each other. C++17, for .cu files.
#pragma once

namespace regroup::cuda {

enum class SyncMode {
  kSpin,   // kernels look at the stamps until they are there: all ranks must run at the same time
  kMemop,  // the stream waits for the stamps (cuStreamBatchMemOp): no SM is kept busy, eager only
  kEvent,  // events between the ranks' streams: cannot deadlock, also under profilers; eager only
};

// As results and --sync write it.
constexpr const char* sync_mode_name(SyncMode mode) {
  switch (mode) {
    case SyncMode::kSpin:
      return "spin";
    case SyncMode::kMemop:
      return "memop";
    case SyncMode::kEvent:
      return "event";
  }
  return "";
}

}  // namespace regroup::cuda
