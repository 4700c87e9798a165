#include "runtime/cuda/backend/device_state.hpp"

#include <algorithm>

#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {

HostSnapshot::HostSnapshot(Slot slot, const Event& copied, serve::StateRef original,
                           cudaStream_t stream)
    : CudaState(std::move(slot), original->bytes()),
      copied_(copied),
      original_(std::move(original)) {
  check(cudaMemcpyAsync(this->slot().data(), cuda_state(original_).data(), bytes(),
                        cudaMemcpyDefault, stream),
        "copying a snapshot to the host");
  copied_.record(stream);
}

HostSnapshot::~HostSnapshot() {
  try {
    copied_.synchronize();
  } catch (const std::exception&) {
    // The device is lost; whoever uses it next says so.
  }
}

const std::byte* HostSnapshot::data() const {
  copied_.synchronize();
  return CudaState::data();
}

ArrivedState::ArrivedState(Slot slot, std::span<const std::byte> bytes)
    : CudaState(std::move(slot), bytes.size()) {
  std::ranges::copy(bytes, this->slot().data());
}

SnapshotPool::SnapshotPool(std::uint64_t slot_bytes, int slots)
    : memory_(slot_bytes * static_cast<std::uint64_t>(slots), "snapshots of states"),
      slots_(memory_.data(), slot_bytes, slots, "snapshots of requests' states"),
      copied_(static_cast<std::size_t>(slots)) {}

serve::StateRef SnapshotPool::snapshot(const serve::StateRef& state, cudaStream_t stream) {
  Slot slot = slots_.take(state->bytes());
  const Event& copied = copied_[static_cast<std::size_t>(slot.index())];
  return std::make_shared<const HostSnapshot>(std::move(slot), copied, state, stream);
}

serve::StateRef SnapshotPool::take_in(std::span<const std::byte> bytes) {
  return std::make_shared<const ArrivedState>(slots_.take(bytes.size()), bytes);
}

}  // namespace regroup::cuda
