// The collectives of one rank, on the device.
#pragma once

#include <cstddef>

#include "runtime/collectives/tensor_blocks.hpp"
#include "runtime/cuda/collectives/device_world.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// One for each rank, used by that rank's thread, always with the same stream. Every call only
// enqueues and allocates nothing (in SyncMode::kEvent it also waits until the peers' threads have
// made theirs, and gives up after the watchdog's time). In SyncMode::kSpin calls may be captured
// into a CUDA graph. Throws CudaError if enqueueing fails.
//
// All members of a group call the same operation with the same group and shape; each rank's order
// of calls must be part of one order of all (collectives/collectives.hpp). What goes wrong is found
// by the kernels: DeviceWorld::failure(). From then on this rank's kernels return without doing
// anything, whatever is still enqueued, until DeviceWorld::rearm(); what buffers hold is not to be
// used.
class DeviceCollectives {
 public:
  // Before arming, with the rank's context current. The world must outlive this.
  DeviceCollectives(DeviceWorld& world, int rank);

  // Where the input of an exchange is written before it, by kernels or libraries on the same
  // stream; slot 0 .. kStagingSlots - 1, of HeapLayout::slot_bytes. The address never changes.
  std::byte* staging(int slot) const;

  // Waits until the readers of what the slot held last have taken it. To be called before anything
  // is written into the slot, also before its first use.
  void reserve(cudaStream_t stream, int slot);

  // Waits for the peers to have their input staged too, and takes from each what belongs here.
  // kAllGather, kSeqToHeads or kHeadsToSeq; input and output as in collectives/collectives.hpp,
  // input_bytes() in the slot, output_bytes() at `output`, device memory of this rank aligned to 16
  // bytes. The slot may be read on, but not written without reserve().
  void exchange(cudaStream_t stream, collectives::Op op, const Membership& members,
                const collectives::TensorShape& shape, int slot, std::byte* output);

  // What is enqueued after it runs when all members have come to it.
  void barrier(cudaStream_t stream, const Membership& members);

  int rank() const { return at_.port.self; }

 private:
  void meet(cudaStream_t stream, const Operation& operation, int slot);

  Endpoint at_;
  HostEdges edges_;
  int copy_blocks_;
};

}  // namespace regroup::cuda
