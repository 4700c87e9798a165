// A rank of the CUDA backend: what the dispatcher's rank thread does on its GPU or slice.
#pragma once

#include <memory>

#include "runtime/cuda/backend/rank_compute.hpp"
#include "runtime/cuda/collectives/device_puts.hpp"
#include "runtime/cuda/gpu/machine.hpp"
#include "runtime/serve/rank_device.hpp"

namespace regroup::cuda {

// How states reach a rank and leave it. Made, as all of its tools, before arming.
struct RankMigration {
  SnapshotPool* snapshots = nullptr;
  DevicePuts* puts = nullptr;
  DeviceReceipts* receipts = nullptr;
};

// All that it is given outlives it. States travel on the machine's migration stream, so that a put
// does not wait for the steps of its sender.
std::unique_ptr<serve::RankDevice> cuda_rank(const Machine& machine, const DeviceWorld& world,
                                             const RankTools& tools, const RankMigration& migration,
                                             std::unique_ptr<RankCompute> compute);

}  // namespace regroup::cuda
