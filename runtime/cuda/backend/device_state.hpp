// The states of requests as a GPU's rank keeps them (serve::StateData).
#pragma once

#include <span>

#include "runtime/cuda/backend/slot_pool.hpp"
#include "runtime/cuda/gpu/device_memory.hpp"
#include "runtime/serve/state_store.hpp"

namespace regroup::cuda {

// Complete, wherever it is shared: whoever makes one waits for the device before it hands it on.
class CudaState : public serve::StateData {
 public:
  CudaState(Slot slot, std::uint64_t bytes) : slot_(std::move(slot)), bytes_(bytes) {}

  std::uint64_t bytes() const override { return bytes_; }
  // At an address that kernels and copies of every rank can read.
  virtual const std::byte* data() const { return slot_.data(); }

 protected:
  const Slot& slot() const { return slot_; }

 private:
  Slot slot_;
  std::uint64_t bytes_;
};

inline const CudaState& cuda_state(const serve::StateRef& state) {
  return static_cast<const CudaState&>(*state);
}

// In the rank's own memory.
class DeviceState final : public CudaState {
 public:
  using CudaState::CudaState;
  // Until it is shared.
  std::byte* numbers() const { return slot().data(); }
};

// A copy in page-locked memory of the host, which outlives the rank it was made by. It is made
// while the rank goes on; data() waits for it. Until it is dropped it keeps the original, too.
class HostSnapshot final : public CudaState {
 public:
  HostSnapshot(Slot slot, const Event& copied, serve::StateRef original, cudaStream_t stream);
  // Waits for the copy: its slot is another's next.
  ~HostSnapshot() override;
  HostSnapshot(const HostSnapshot&) = delete;
  HostSnapshot& operator=(const HostSnapshot&) = delete;

  const std::byte* data() const override;

 private:
  const Event& copied_;
  serve::StateRef original_;
};

// In page-locked memory of the host, from bytes that came from elsewhere.
class ArrivedState final : public CudaState {
 public:
  ArrivedState(Slot slot, std::span<const std::byte> bytes);
};

// Slots for snapshots of all ranks, each with the event that says that it is complete.
class SnapshotPool {
 public:
  SnapshotPool(std::uint64_t slot_bytes, int slots);

  // Enqueues the copy. SystemError: none is free.
  serve::StateRef snapshot(const serve::StateRef& state, cudaStream_t stream);
  // Of a state that came from elsewhere. SystemError: none is free, or it is too large.
  serve::StateRef take_in(std::span<const std::byte> bytes);
  int in_use() const { return slots_.in_use(); }

 private:
  PinnedBuffer memory_;
  SlotPool slots_;
  std::vector<Event> copied_;
};

}  // namespace regroup::cuda
