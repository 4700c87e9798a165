#include "runtime/cuda/gpu/open_machine.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "core/errors.hpp"
#include "runtime/cuda/gpu/device_memory.hpp"
#include "runtime/cuda/gpu/driver.hpp"
#include "runtime/cuda/gpu/green_contexts.hpp"
#include "runtime/cuda/gpu/symmetric_heap.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

using devices::DeviceList;
using devices::RankDevice;

// With the 8 hardware queues that are the default, streams of different ranks share one, and a
// kernel that spins in front of the one it waits for never ends. Kernels that are loaded when they
// are first launched wait for all that runs, with the same result.
void set_environment() {
  setenv("CUDA_DEVICE_MAX_CONNECTIONS", "32", 0);
  setenv("CUDA_MODULE_LOADING", "EAGER", 0);
}

void require_gpus(const DeviceList& devices) {
  int gpus = 0;
  check(cudaGetDeviceCount(&gpus), "counting GPUs");
  for (const int ordinal : devices.ordinals())
    if (ordinal >= gpus)
      fail<CudaError>("--devices {}: there is no gpu{} on this machine, which has gpu0 to gpu{}",
                      devices.text(), ordinal, gpus - 1);
}

void make_gpu_current(int ordinal) { check(cudaSetDevice(ordinal), "choosing a GPU"); }

class GpuMachine final : public Machine {
 public:
  GpuMachine(const DeviceList& devices, const collectives::HeapLayout& layout) {
    for (const int ordinal : devices.ordinals()) open_gpu(ordinal, devices);
    for (const RankDevice& device : devices.of_ranks) open_rank(device);

    std::vector<int> ordinals;
    for (const RankDevice& device : devices.of_ranks) ordinals.push_back(device.ordinal);
    make_gpu_current(ordinals.front());
    memory_.emplace(ordinals, layout);
    heap_ = memory_->view();
    versions_ = fmt::format("CUDA {}, driver for CUDA {}", cuda_version_text(CUDART_VERSION),
                            cuda_version_text(driver().version));
  }

  // A green context must not be current where it is destroyed.
  ~GpuMachine() override { static_cast<void>(cudaSetDevice(gpus_.front().ordinal)); }

  void make_current(int rank) const override {
    const CUcontext context = contexts_[static_cast<std::size_t>(rank)];
    if (context == nullptr)
      make_gpu_current(this->rank(rank).ordinal);
    else
      check_driver(driver().ctx_set_current(context), "entering a slice");
  }

  std::uint64_t free_bytes(int ordinal) const override {
    make_gpu_current(ordinal);
    std::size_t free = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&free, &total), "asking for memory");
    return free;
  }

 private:
  void open_gpu(int ordinal, const DeviceList& devices) {
    make_gpu_current(ordinal);
    check(cudaFree(nullptr), "starting CUDA on a GPU");
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, ordinal), "asking for a GPU's properties");
    gpus_.push_back(
        {ordinal, properties.name, properties.multiProcessorCount, properties.totalGlobalMem});

    const auto& ranks = devices.of_ranks;
    const auto of_gpu = [ordinal](const RankDevice& device) { return device.ordinal == ordinal; };
    const int sms = std::find_if(ranks.begin(), ranks.end(), of_gpu)->sms;
    if (sms == 0) return;
    const auto count = static_cast<int>(std::count_if(ranks.begin(), ranks.end(), of_gpu));
    for (GreenContext& slice : slice_gpu(ordinal, count, sms)) slices_.push_back(std::move(slice));
  }

  // Ranks come in the order of their GPUs, as the slices do.
  void open_rank(const RankDevice& device) {
    MachineRank rank{device.ordinal, device.sms, device.sms > 0, nullptr, nullptr};
    if (rank.slice) {
      const GreenContext& slice = slices_[next_slice_++];
      contexts_.push_back(slice.context());
      rank.compute = streams_.emplace_back(slice.create_stream()).get();
      rank.migration = streams_.emplace_back(slice.create_stream()).get();
    } else {
      make_gpu_current(device.ordinal);
      contexts_.push_back(nullptr);
      rank.sms = sms_of(device.ordinal);
      rank.compute = streams_.emplace_back().get();
      rank.migration = streams_.emplace_back().get();
    }
    of_ranks_.push_back(rank);
  }

  int sms_of(int ordinal) const {
    return std::find_if(gpus_.begin(), gpus_.end(),
                        [ordinal](const MachineGpu& gpu) { return gpu.ordinal == ordinal; })
        ->sms;
  }

  // In this order, so that streams are destroyed before their contexts.
  std::vector<GreenContext> slices_;
  std::size_t next_slice_ = 0;
  std::vector<CUcontext> contexts_;  // by rank; nullptr: a whole GPU
  std::vector<Stream> streams_;
  std::optional<SymmetricHeap> memory_;
};

}  // namespace

std::unique_ptr<Machine> open_machine(const DeviceList& devices,
                                      const collectives::HeapLayout& layout) {
  RG_CHECK(devices.kind == DeviceList::Kind::kCuda && devices.ranks == layout.world,
           "--devices {} for a heap of {} ranks", devices.text(), layout.world);
  set_environment();
  static_cast<void>(driver());
  require_gpus(devices);
  return std::make_unique<GpuMachine>(devices, layout);
}

}  // namespace regroup::cuda
