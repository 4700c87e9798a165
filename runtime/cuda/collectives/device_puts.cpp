#include "runtime/cuda/collectives/device_puts.hpp"

#include "runtime/cuda/collectives/kernels.hpp"

namespace regroup::cuda {

using collectives::Channel;
using collectives::Op;

DevicePuts::DevicePuts(DeviceWorld& world, int rank)
    : at_(world.endpoint(rank, Channel::kPuts)),
      edges_(world.signals(), &world.host_ledger(rank, Channel::kPuts), rank, Channel::kPuts),
      copy_blocks_(world.options().copy_blocks) {}

void DevicePuts::put(cudaStream_t stream, const Membership& members, std::uint64_t offset,
                     const std::byte* data, std::uint64_t bytes) {
  const Operation operation{members, {bytes, 1, 1, 1}, offset, Op::kPut};
  edges_.await_free_cells(stream, operation);
  launch_claim(stream, at_, operation);
  launch_put(stream, at_, operation, data, copy_blocks_);
  edges_.put_out(stream, operation);
}

DeviceReceipts::DeviceReceipts(DeviceWorld& world, int rank)
    : at_(world.endpoint(rank, Channel::kReceipts)),
      edges_(world.signals(), &world.host_ledger(rank, Channel::kReceipts), rank,
             Channel::kReceipts) {}

void DeviceReceipts::await_put(cudaStream_t stream, const Membership& members, std::uint64_t offset,
                               std::uint64_t bytes) {
  const Operation operation{members, {bytes, 1, 1, 1}, offset, Op::kPut};
  edges_.await_put(stream, operation);
  launch_receive(stream, at_, operation);
  edges_.put_taken(stream, operation);
}

std::byte* DeviceReceipts::window() const { return at_.port.heap.window(at_.port.self); }

}  // namespace regroup::cuda
