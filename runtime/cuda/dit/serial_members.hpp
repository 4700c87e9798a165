// A group without peers: every member's program in turn, from exchange to exchange, on one rank and
// one stream. The oracle that a parallel run must equal bit for bit: the same kernels on the same
// numbers, and copies for exchanges. What runtime/dit/serial_shards.hpp is on the CPU.
#pragma once

#include <span>

#include "runtime/cuda/dit/step_program.hpp"

namespace regroup::cuda {

// The staging slots of one member of such a group, in memory of its own.
class StagingOnly final : public Exchanges {
 public:
  // `slots`: kStagingSlots times slot_bytes on the device.
  StagingOnly(std::byte* slots, std::uint64_t slot_bytes) : slots_(slots), bytes_(slot_bytes) {}

  std::byte* staging(int slot) override {
    return slots_ + static_cast<std::uint64_t>(slot) * bytes_;
  }
  void reserve(cudaStream_t, int) override {}  // all readers have read: there is one stream
  // InternalError: nobody is there.
  void exchange(cudaStream_t stream, const Exchange& exchange) override;

 private:
  std::byte* slots_;
  std::uint64_t bytes_;
};

// One step of all members of a group of `layout`, in member order. Each program was made with
// resources of its own, a StagingOnly among them; its state and parameters are set.
struct SerialMember {
  const StepProgram* program;
  Exchanges* exchanges;
};
void run_serially(Layout layout, std::span<const SerialMember> members, cudaStream_t stream);

}  // namespace regroup::cuda
