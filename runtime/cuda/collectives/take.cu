#include "runtime/cuda/collectives/device_copy.hpp"
#include "runtime/cuda/collectives/kernels.hpp"
#include "runtime/cuda/portable/launch.hpp"

namespace regroup::cuda {
namespace {

using collectives::RankGroup;

RG_KERNEL void __launch_bounds__(kCopyThreads)
    take_kernel(const __grid_constant__ Endpoint at, const __grid_constant__ Operation operation,
                std::byte* output) {
  __shared__ int is_last;
  DeviceChannel& channel = *at.channel;
  if (channel.status != collectives::Status::kOk) return;
  const RankGroup& group = operation.members.group();
  const int me = group.position(at.port.self);
  // Every member begins with itself and its successor, so that not all read from the same one.
  for (int i = 0; i < group.size; ++i) {
    const int member = (me + i) % group.size;
    copy_block(collectives::block_of(operation.op, operation.shape, group.size, me, member),
               at.port.heap.region(group.ranks[member]) + channel.sources[member], output);
  }
  if (!last_block(channel, &is_last)) return;
  const int member = static_cast<int>(threadIdx.x);
  if (member < group.size && member != me)
    collectives::acknowledge(at.port, channel.ledger, group.ranks[member]);
}

}  // namespace

void launch_take(cudaStream_t stream, const Endpoint& at, const Operation& operation,
                 std::byte* output, int blocks) {
  launch(take_kernel, {static_cast<unsigned>(blocks), kCopyThreads}, stream, at, operation, output);
}

}  // namespace regroup::cuda
