#include "runtime/cuda/collectives/device_copy.hpp"
#include "runtime/cuda/collectives/kernels.hpp"
#include "runtime/cuda/collectives/warp_edges.hpp"
#include "runtime/cuda/portable/launch.hpp"

namespace regroup::cuda {
namespace {

using collectives::Awaited;
using collectives::Notice;
using collectives::RankGroup;
using collectives::Refusal;
using collectives::Status;

__device__ bool possible(const Endpoint& at, const Notice& own, bool as_source) {
  const int me = own.group.position(at.port.self);
  if (me < 0 || (me == 0) != as_source) {
    refuse(at, me < 0 ? Refusal::kNotMember : Refusal::kNotSource, own,
           static_cast<std::uint64_t>(at.port.self), 0);
    return false;
  }
  const std::uint64_t window = at.port.heap.layout.window_bytes;
  if (own.offset > window || own.shape.tokens > window - own.offset) {
    refuse(at, Refusal::kWindowBytes, own, own.offset + own.shape.tokens, window);
    return false;
  }
  return true;
}

// The notice before the last has been read: its cell is written next.
RG_KERNEL void __launch_bounds__(kWarp)
    claim_kernel(const __grid_constant__ Endpoint at, const __grid_constant__ Operation operation) {
  __shared__ int stop;
  DeviceChannel& channel = *at.channel;
  if (channel.status != Status::kOk) return;
  const RankGroup& group = operation.members.group();
  const Notice own = operation.notice();
  if (!possible(at, own, true)) return;
  const int member = lane_id();
  const bool has_edge = member > 0 && member < group.size;
  const int peer = has_edge ? group.ranks[member] : at.port.self;
  const std::uint64_t published = has_edge ? channel.ledger.published[peer] : 0;
  WarpEdges edges(at, &stop);
  if (published >= 2) edges.await_acknowledgement(peer, published - 1);
  edges.conclude(Awaited::kAcknowledgement, peer, own);
}

RG_KERNEL void __launch_bounds__(kCopyThreads)
    put_kernel(const __grid_constant__ Endpoint at, const __grid_constant__ Operation operation,
               const std::byte* data) {
  __shared__ int is_last;
  DeviceChannel& channel = *at.channel;
  if (channel.status != Status::kOk) return;
  const RankGroup& group = operation.members.group();
  const collectives::Block block =
      collectives::block_of(operation.op, operation.shape, group.size, 0, 0);
  for (int member = 1; member < group.size; ++member)
    copy_block(block, data, at.port.heap.window(group.ranks[member]) + operation.offset);
  if (!last_block(channel, &is_last)) return;
  const int member = static_cast<int>(threadIdx.x);
  if (member > 0 && member < group.size)
    collectives::publish(at.port, channel.ledger, group.ranks[member], operation.notice());
}

RG_KERNEL void __launch_bounds__(kWarp)
    receive_kernel(const __grid_constant__ Endpoint at,
                   const __grid_constant__ Operation operation) {
  __shared__ int stop;
  DeviceChannel& channel = *at.channel;
  if (channel.status != Status::kOk) return;
  const Notice own = operation.notice();
  if (!possible(at, own, false)) return;
  const int source = own.group.ranks[0];
  WarpEdges edges(at, &stop);
  if (lane_id() == 0) edges.await_notice(source, own);
  if (edges.conclude(Awaited::kNotice, source, own) && lane_id() == 0)
    collectives::acknowledge(at.port, channel.ledger, source);
}

}  // namespace

void launch_claim(cudaStream_t stream, const Endpoint& at, const Operation& operation) {
  launch(claim_kernel, {1, kWarp}, stream, at, operation);
}

void launch_put(cudaStream_t stream, const Endpoint& at, const Operation& operation,
                const std::byte* data, int blocks) {
  launch(put_kernel, {static_cast<unsigned>(blocks), kCopyThreads}, stream, at, operation, data);
}

void launch_receive(cudaStream_t stream, const Endpoint& at, const Operation& operation) {
  launch(receive_kernel, {1, kWarp}, stream, at, operation);
}

}  // namespace regroup::cuda
