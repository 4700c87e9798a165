// A rank of the CUDA backend: what the dispatcher's rank thread does on its GPU or slice.
#pragma once

#include <memory>

#include "runtime/cuda/backend/rank_compute.hpp"
#include "runtime/cuda/collectives/device_puts.hpp"
#include "runtime/cuda/gpu/machine.hpp"
#include "runtime/serve/rank_device.hpp"

namespace regroup::cuda {

// `machine`, `world` and `snapshots` outlive it; so does what `tools` points to. States travel on
// the machine's migration stream, so that a put does not wait for the steps of its sender.
std::unique_ptr<serve::RankDevice> cuda_rank(const Machine& machine, DeviceWorld& world,
                                             const RankTools& tools, SnapshotPool& snapshots,
                                             std::unique_ptr<RankCompute> compute);

}  // namespace regroup::cuda
