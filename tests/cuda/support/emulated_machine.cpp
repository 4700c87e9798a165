#include "tests/cuda/support/emulated_machine.hpp"

#include <cstring>
#include <new>

#include "runtime/cuda/gpu/device_memory.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

constexpr std::align_val_t kAlignment{collectives::kHeapAlignment};

struct Release {
  void operator()(std::byte* memory) const { ::operator delete(memory, kAlignment); }
};

class EmulatedMachine final : public Machine {
 public:
  explicit EmulatedMachine(const collectives::HeapLayout& layout) {
    for (int rank = 0; rank < layout.world; ++rank) {
      const Stream& compute = streams_.emplace_back();
      const cudaStream_t of_steps = compute.get();
      const Stream& migration = streams_.emplace_back();
      of_ranks_.push_back({0, 16, layout.world > 1, of_steps, migration.get()});
    }
    int sms = 0;
    check(cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, 0), "counting SMs");
    std::size_t free = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&free, &total), "asking for memory");
    gpus_.push_back({0, "emulated GPU", sms, total});
    versions_ = "emulated CUDA";

    const std::uint64_t bytes = static_cast<std::uint64_t>(layout.world) * layout.stride();
    memory_.reset(static_cast<std::byte*>(::operator new(bytes, kAlignment)));
    std::memset(memory_.get(), 0, bytes);
    heap_ = {memory_.get(), layout};
  }

  void make_current(int) const override { check(cudaSetDevice(0), "choosing a GPU"); }

  std::uint64_t free_bytes(int) const override {
    std::size_t free = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&free, &total), "asking for memory");
    return free;
  }

 private:
  std::unique_ptr<std::byte, Release> memory_;
  std::vector<Stream> streams_;
};

}  // namespace

std::unique_ptr<Machine> emulated_machine(const collectives::HeapLayout& layout) {
  return std::make_unique<EmulatedMachine>(layout);
}

}  // namespace regroup::cuda
