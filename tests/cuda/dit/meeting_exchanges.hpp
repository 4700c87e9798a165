// Exchanges between emulated ranks, as plain as can be: the streams meet, and each copies what it
// takes. Groups are read from the ranks' parameters when the work is carried out, so a recorded
// graph serves every group. Only for the emulator, whose streams are threads that may wait for each
// other.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "runtime/cuda/dit/exchanges.hpp"
#include "runtime/cuda/dit/parameters.hpp"
#include "runtime/cuda/gpu/device_memory.hpp"

namespace regroup::cuda {

// Where up to 8 ranks meet.
struct MeetingPoint {
  // From one rank to another: how often it has shown its input, and how often that was taken.
  struct Edge {
    const std::byte* input = nullptr;
    int shown = 0, taken = 0;
  };
  std::mutex mutex;
  std::condition_variable changed;
  Edge edges[8][8];
};

class MeetingExchanges final : public Exchanges {
 public:
  MeetingExchanges(MeetingPoint& point, int rank, std::size_t slot_bytes,
                   const StepParameters* parameters);

  std::byte* staging(int slot) override { return slots_[static_cast<std::size_t>(slot)].data(); }
  // exchange() ends when all peers have read, so there is nothing to wait for. Makes every number
  // in the slot a NaN.
  void reserve(cudaStream_t stream, int slot) override;
  // Throws InternalError if the slot was not reserved after the last exchange from it.
  void exchange(cudaStream_t stream, const Exchange& exchange) override;

 private:
  struct Call {
    MeetingExchanges* self;
    Exchange exchange;
  };
  void meet(const Exchange& exchange);

  MeetingPoint& point_;
  int rank_;
  const StepParameters* parameters_;
  std::array<DeviceBuffer, collectives::kStagingSlots> slots_;
  std::array<bool, collectives::kStagingSlots> reserved_{};
  std::deque<Call> calls_;  // which do not move
};

}  // namespace regroup::cuda
