#include "runtime/cuda/collectives/device_collectives.hpp"

#include "core/errors.hpp"
#include "runtime/cuda/collectives/kernels.hpp"

namespace regroup::cuda {

using collectives::Channel;
using collectives::Op;

DeviceCollectives::DeviceCollectives(DeviceWorld& world, int rank)
    : at_(world.endpoint(rank, Channel::kCollectives)),
      edges_(world.signals(), &world.host_ledger(rank, Channel::kCollectives), rank,
             Channel::kCollectives),
      copy_blocks_(world.options().copy_blocks) {}

std::byte* DeviceCollectives::staging(int slot) const {
  RG_CHECK(slot >= 0 && slot < collectives::kStagingSlots, "no slot {}", slot);
  return at_.port.heap.staging(rank(), slot);
}

void DeviceCollectives::reserve(cudaStream_t stream, int slot) {
  RG_CHECK(slot >= 0 && slot < collectives::kStagingSlots, "no slot {}", slot);
  edges_.await_readers(stream, slot);
  launch_reserve(stream, at_, slot);
}

void DeviceCollectives::exchange(cudaStream_t stream, Op op, const Membership& members,
                                 const collectives::TensorShape& shape, int slot,
                                 std::byte* output) {
  RG_CHECK(op == Op::kAllGather || op == Op::kSeqToHeads || op == Op::kHeadsToSeq,
           "operation {} is no exchange", static_cast<int>(op));
  RG_CHECK(slot >= 0 && slot < collectives::kStagingSlots, "no slot {}", slot);
  const Operation operation{members, shape, at_.port.heap.layout.staging_offset(slot), op};
  meet(stream, operation, slot);
  launch_take(stream, at_, operation, output, copy_blocks_);
  edges_.taken(stream, operation);
}

void DeviceCollectives::barrier(cudaStream_t stream, const Membership& members) {
  meet(stream, {members, {}, 0, Op::kBarrier}, 0);
}

void DeviceCollectives::meet(cudaStream_t stream, const Operation& operation, int slot) {
  if (edges_.spins()) return launch_meet(stream, at_, operation, slot, Meet::kBoth);
  launch_meet(stream, at_, operation, slot, Meet::kNotify);
  edges_.notices_out(stream, operation, slot);
  edges_.await_notices(stream, operation);
  launch_meet(stream, at_, operation, slot, Meet::kAwait);
}

}  // namespace regroup::cuda
