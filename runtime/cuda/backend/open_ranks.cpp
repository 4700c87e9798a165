#include "runtime/cuda/backend/open_ranks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/errors.hpp"
#include "runtime/cuda/collectives/driver_memops.hpp"
#include "runtime/cuda/gpu/open_machine.hpp"
#include "runtime/cuda/gpu/self_test.hpp"
#include "runtime/cuda/gpu/shared_sms.hpp"

namespace regroup::cuda {
namespace {

std::optional<SyncMode> forced_mode(const std::string& name) {
  if (name.empty()) return std::nullopt;
  for (const SyncMode mode : {SyncMode::kSpin, SyncMode::kMemop, SyncMode::kEvent})
    if (name == sync_mode_name(mode)) return mode;
  fail<ConfigError>("sync mode '{}': expected spin, memop or event", name);
}

std::string gpu_names(const Machine& machine) {
  std::string text;
  for (const MachineGpu& gpu : machine.gpus())
    text += fmt::format("{}gpu{}: {}, {} SMs, {:.1f} GiB", text.empty() ? "" : "; ", gpu.ordinal,
                        gpu.name, gpu.sms,
                        static_cast<double>(gpu.memory_bytes) / static_cast<double>(1 << 30));
  return text;
}

}  // namespace

int most_ranks_of_a_gpu(const devices::DeviceList& devices) {
  int most = 0;
  for (const int ordinal : devices.ordinals())
    most = std::max(most, static_cast<int>(std::ranges::count(devices.of_ranks, ordinal,
                                                              &devices::RankDevice::ordinal)));
  return most;
}

OpenedRanks open_ranks(const devices::DeviceList& devices, const collectives::HeapLayout& heap,
                       const std::string& sync) {
  if (devices.kind != devices::DeviceList::Kind::kCuda)
    fail<ConfigError>("--devices {}: GPUs are needed, as gpu0 or gpu0:8x16sm", devices.text());
  const std::optional<SyncMode> forced = forced_mode(sync);
  OpenedRanks opened;
  opened.machine = open_machine(devices, heap);
  opened.memops = driver_memops(*opened.machine);
  const SyncChoice choice =
      choose_sync_mode(*opened.machine, {.forced = forced,
                                         .shared_sms = find_shared_sms(*opened.machine),
                                         .memops = opened.memops.get()});
  opened.sync = choice.mode;
  opened.facts = {{"devices", devices.text()},
                  {"gpus", gpu_names(*opened.machine)},
                  {"cuda", opened.machine->versions()},
                  {"sync", choice.why}};
  return opened;
}

}  // namespace regroup::cuda
