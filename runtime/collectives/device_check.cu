// Compiled, never run: a barrier and an exchange of one rank as a kernel would do them, so that the
// shared headers stay within what nvcc can compile for a device.
#include <cuda_runtime_api.h>

#include "runtime/collectives/protocol.hpp"
#include "runtime/collectives/tensor_blocks.hpp"

namespace regroup::collectives {
namespace {

struct Nap {
  __device__ void operator()() const { __nanosleep(32); }
};

struct GlobalTimer {
  __device__ std::int64_t operator()() const {
    unsigned long long now;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    return static_cast<std::int64_t>(now);
  }
};

}  // namespace

// One warp; a lane for each member.
__global__ void barrier_kernel(const __grid_constant__ Port port,
                               const __grid_constant__ RankGroup group, Ledger* ledger,
                               std::int64_t deadline_ns, Status* status) {
  const int lane = static_cast<int>(threadIdx.x);
  if (lane >= group.size || group.ranks[lane] == port.self) return;
  const int peer = group.ranks[lane];
  const Notice notice{group, {}, 0, 0, Op::kBarrier};
  publish(port, *ledger, peer, notice);
  const Arrival arrival = await_notice(
      port, *ledger, peer, notice, Watchdog<Nap, GlobalTimer>{Nap{}, GlobalTimer{}, deadline_ns});
  if (arrival.status != Status::kOk) {
    status[peer] = arrival.status;
    raise_alarm(port, *ledger, peer, arrival.status, peer);
  }
}

__global__ void pull_kernel(const __grid_constant__ TensorShape shape, int size, int me, int peer,
                            const std::byte* from, std::byte* to) {
  const Block block = block_of(Op::kSeqToHeads, shape, size, me, peer);
  for (std::uint64_t row = blockIdx.x; row < block.rows; row += gridDim.x)
    for (std::uint64_t i = threadIdx.x; i < block.run; i += blockDim.x)
      to[block.to.offset + row * block.to.row + i] =
          from[block.from.offset + row * block.from.row + i];
}

}  // namespace regroup::collectives
