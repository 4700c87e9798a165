// What the kernels of this folder work on: one rank's end of one channel. Plain data, C++17.
#pragma once

#include <cstdint>

#include "runtime/collectives/failure.hpp"
#include "runtime/collectives/heap.hpp"
#include "runtime/collectives/protocol.hpp"
#include "runtime/collectives/rank_group.hpp"

namespace regroup::cuda {

// What a rank remembers of one channel. Its kernels write it, in order of their stream; the host
// only when it arms the world.
struct DeviceChannel {
  collectives::Ledger ledger;
  // Of the collective under way: where member i's input lies in that member's region.
  std::uint64_t sources[collectives::kMaxRanks] = {};
  std::uint32_t blocks_done = 0;  // of the copy under way
  // Not kOk: this rank has failed, and its kernels return without doing anything.
  collectives::Status status = collectives::Status::kOk;
};

// Lies in device memory of the rank's own GPU.
struct DeviceRank {
  DeviceChannel channels[collectives::kChannels];
};

// How the host learns of a failure. Lies in page-locked memory of the host.
struct FailureReport {
  collectives::Failure failure;
  std::uint64_t epoch;  // written after the failure: it is of this epoch
};

// A kernel parameter: one rank in one channel.
struct Endpoint {
  collectives::Port port;
  DeviceChannel* channel = nullptr;
  FailureReport* report = nullptr;
  std::int64_t watchdog_ns = 0;  // how long a kernel waits
};

// Who takes part: a group as it is when the call is made, or one in device memory, read when the
// kernels run, so that one recorded CUDA graph serves every group. Converts from either.
struct Membership {
  // The host's threads, too, can say who takes part.
  Membership(const collectives::RankGroup& group) : by_value(group) {}
  // Outlives the work and does not change during it. Only in SyncMode::kSpin.
  Membership(const collectives::RankGroup* group) : on_device(group) {}

  RG_HOST_DEVICE const collectives::RankGroup& group() const {
    return on_device == nullptr ? by_value : *on_device;
  }

  collectives::RankGroup by_value;
  const collectives::RankGroup* on_device = nullptr;
};

// A kernel parameter: what a rank is asked to do. A notice without its group.
struct Operation {
  Membership members;
  collectives::TensorShape shape;
  std::uint64_t offset = 0;
  collectives::Op op = collectives::Op::kNone;

  RG_HOST_DEVICE collectives::Notice notice() const {
    return {members.group(), shape, offset, 0, op};
  }
  RG_HOST_DEVICE bool moves() const { return op != collectives::Op::kBarrier; }
};

}  // namespace regroup::cuda
