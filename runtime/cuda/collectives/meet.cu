#include "runtime/cuda/collectives/kernels.hpp"
#include "runtime/cuda/collectives/warp_edges.hpp"
#include "runtime/cuda/portable/launch.hpp"

namespace regroup::cuda {
namespace {

using collectives::Awaited;
using collectives::Ledger;
using collectives::Notice;
using collectives::RankGroup;
using collectives::Refusal;
using collectives::Status;

// What a collective needs to be possible. The largest part counts, so that all members refuse or
// none.
__device__ bool possible(const Endpoint& at, const Notice& own, int me) {
  if (me < 0) {
    refuse(at, Refusal::kNotMember, own, static_cast<std::uint64_t>(at.port.self), 0);
    return false;
  }
  const std::uint64_t largest = collectives::input_bytes(own.op, own.shape, own.group.size, 0);
  const std::uint64_t slot = at.port.heap.layout.slot_bytes;
  if (largest > slot) {
    refuse(at, Refusal::kSlotBytes, own, largest, slot);
    return false;
  }
  return true;
}

constexpr bool has(Meet halves, Meet half) {
  return (static_cast<int>(halves) & static_cast<int>(half)) != 0;
}

RG_KERNEL void __launch_bounds__(kWarp)
    meet_kernel(const __grid_constant__ Endpoint at, const __grid_constant__ Operation operation,
                int slot, Meet halves) {
  __shared__ int stop;
  DeviceChannel& channel = *at.channel;
  if (channel.status != Status::kOk) return;
  const RankGroup& group = operation.members.group();
  const Notice own = operation.notice();
  const int me = group.position(at.port.self);
  if (!possible(at, own, me)) return;

  const int member = lane_id();
  const bool has_edge = member < group.size && member != me;
  const int peer = has_edge ? group.ranks[member] : at.port.self;
  if (has(halves, Meet::kNotify) && has_edge) {
    collectives::publish(at.port, channel.ledger, peer, own);
    if (operation.moves()) channel.ledger.readers[slot][peer] = channel.ledger.published[peer];
  }
  if (!has(halves, Meet::kAwait)) return;
  WarpEdges edges(at, &stop);
  if (has_edge) edges.await_notice(peer, own);
  if (!edges.conclude(Awaited::kNotice, peer, own)) return;
  if (operation.moves() && member < group.size)
    channel.sources[member] = has_edge ? edges.notice()->offset : own.offset;
}

RG_KERNEL void __launch_bounds__(kWarp)
    reserve_kernel(const __grid_constant__ Endpoint at, int slot) {
  __shared__ int stop;
  DeviceChannel& channel = *at.channel;
  if (channel.status != Status::kOk) return;
  const int peer = lane_id();
  std::uint64_t& sequence = channel.ledger.readers[slot][peer];
  WarpEdges edges(at, &stop);
  if (sequence != 0) edges.await_acknowledgement(peer, sequence);
  if (edges.conclude(Awaited::kAcknowledgement, peer, {})) sequence = 0;
}

}  // namespace

void launch_meet(cudaStream_t stream, const Endpoint& at, const Operation& operation, int slot,
                 Meet halves) {
  launch(meet_kernel, {1, kWarp}, stream, at, operation, slot, halves);
}

void launch_reserve(cudaStream_t stream, const Endpoint& at, int slot) {
  launch(reserve_kernel, {1, kWarp}, stream, at, slot);
}

static_assert(collectives::kMaxRanks == kWarp, "a lane for each rank");

}  // namespace regroup::cuda
