// The GPUs of a device list, opened, and how their ranks can wait for each other. Not portable.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/cuda/collectives/edge_signals.hpp"
#include "runtime/cuda/collectives/sync_mode.hpp"
#include "runtime/cuda/gpu/machine.hpp"
#include "runtime/devices/device_list.hpp"

namespace regroup::cuda {

using Facts = std::vector<std::pair<std::string, std::string>>;

struct OpenedRanks {
  std::unique_ptr<Machine> machine;
  std::shared_ptr<const StreamMemops> memops;
  SyncMode sync{};
  Facts facts;  // what was found and chosen, for results: "sync" -> "spin: ..."
};

// `sync`: "spin", "memop" or "event"; empty: the first that a test finds to work. ConfigError:
// another word, or no GPUs in the list; CudaError as open_machine() and choose_sync_mode().
OpenedRanks open_ranks(const devices::DeviceList& devices, const collectives::HeapLayout& heap,
                       const std::string& sync);

// The most ranks that one GPU has to carry.
int most_ranks_of_a_gpu(const devices::DeviceList& devices);

}  // namespace regroup::cuda
