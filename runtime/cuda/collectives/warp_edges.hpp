// Device code: one warp does a rank's part of an operation, a lane for each edge. C++17.
#pragma once

#include "runtime/collectives/protocol.hpp"
#include "runtime/cuda/collectives/device_rank.hpp"
#include "runtime/cuda/portable/device_code.hpp"

namespace regroup::cuda {

// Of one lane. `stop` is the block's: once an edge has failed, the others are not waited for.
struct LaneWatchdog {
  volatile int* stop;
  std::int64_t deadline_ns;

  __device__ bool look_again() const {
    nap(32);
    return *stop == 0 && global_timer_ns() < deadline_ns;
  }
};

// The waits of a warp. All lanes make one, and call conclude() once.
class WarpEdges {
 public:
  // stop: in shared memory.
  __device__ WarpEdges(const Endpoint& at, int* stop)
      : at_(at), watchdog_{stop, global_timer_ns() + at.watchdog_ns} {
    if (lane_id() == 0) *stop = 0;
    warp_sync();
  }

  // Of this lane's edge.
  __device__ void await_notice(int peer, const collectives::Notice& own) {
    arrived(collectives::await_notice(at_.port, at_.channel->ledger, peer, own, watchdog_));
    sequence_ = at_.channel->ledger.awaited[peer];
  }
  __device__ void await_acknowledgement(int peer, std::uint64_t sequence) {
    sequence_ = sequence;
    arrived(collectives::await_acknowledgement(at_.port, at_.channel->ledger, peer, sequence,
                                               watchdog_));
  }
  __device__ const collectives::Notice* notice() const { return arrival_.notice; }

  // Called by all lanes with their peers, those without an edge too. If a wait has failed, the lane
  // with the most telling failure records it. False: this rank has failed.
  __device__ bool conclude(collectives::Awaited awaited, int peer, const collectives::Notice& own);

 private:
  __device__ void arrived(const collectives::Arrival& arrival) {
    arrival_ = arrival;
    if (arrival.status != collectives::Status::kOk) *watchdog_.stop = 1;
  }

  const Endpoint& at_;
  LaneWatchdog watchdog_;
  collectives::Arrival arrival_;
  std::uint64_t sequence_ = 0;
};

// Records this rank's failure, for its later kernels and the host, and tells all ranks. One thread.
__device__ inline void record_failure(const Endpoint& at, const collectives::Failure& failure,
                                      int accused) {
  DeviceChannel& channel = *at.channel;
  channel.status = failure.status;
  at.report->failure = failure;
  collectives::store_release(at.report->epoch, channel.ledger.epoch);
  collectives::raise_alarms(at.port, channel.ledger, failure.status, accused);
}

// Nothing has been sent: what was asked for cannot be. Called by all lanes.
__device__ inline void refuse(const Endpoint& at, collectives::Refusal refusal,
                              const collectives::Notice& own, std::uint64_t asked,
                              std::uint64_t allowed) {
  if (lane_id() != 0) return;
  collectives::Failure failure;
  failure.status = collectives::Status::kRefused;
  failure.refusal = refusal;
  failure.channel = at.port.channel;
  failure.rank = failure.peer = static_cast<std::uint8_t>(at.port.self);
  failure.own = own;
  failure.asked = asked;
  failure.allowed = allowed;
  record_failure(at, failure, at.port.self);
}

__device__ inline bool WarpEdges::conclude(collectives::Awaited awaited, int peer,
                                           const collectives::Notice& own) {
  using collectives::Status;
  // A lane that was stopped says time-out, and counts for least.
  constexpr std::uint32_t kLanes = kWarp;
  const Status status = arrival_.status;
  const std::uint32_t order = status == Status::kMismatch  ? 0
                              : status == Status::kAborted ? 1
                              : status == Status::kTimeout ? 2
                                                           : 3;
  std::uint32_t first = order * kLanes + static_cast<std::uint32_t>(lane_id());
  for (int mask = kWarp / 2; mask > 0; mask /= 2) {
    const std::uint32_t other = shfl_xor(first, mask);
    first = other < first ? other : first;
  }
  if (first >= 3 * kLanes) return true;
  if (static_cast<std::uint32_t>(lane_id()) == first % kLanes)
    record_failure(at_, collectives::failure_of(at_.port, arrival_, awaited, peer, sequence_, own),
                   status == Status::kAborted ? arrival_.accused : peer);
  return false;
}

}  // namespace regroup::cuda
