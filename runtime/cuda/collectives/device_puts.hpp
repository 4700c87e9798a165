// One-sided copies into other ranks' windows, on the device, beside the collectives of both ends:
// collectives/puts.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/cuda/collectives/device_world.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// The sending end, one for each rank, always used with the same stream, which is not that of the
// rank's collectives: neither shall wait for the other. Puts and receipts may share a stream if
// each rank's order of both together is part of one order of all. What device_collectives.hpp says
// of threads, failures and graphs holds here too. The first member of a group is the source, the
// others receive.
//
// Which part of a window is free is the caller's affair: nothing but its end is checked, and a put
// may land before its receiver has asked for it.
class DevicePuts {
 public:
  // Before arming, with the rank's context current. The world must outlive this.
  DevicePuts(DeviceWorld& world, int rank);

  // Writes `bytes` from `data`, memory that this rank's kernels can read, into every receiver's
  // window at `offset`, and tells them. Waits only for a receiver that has not awaited the put
  // before the last.
  void put(cudaStream_t stream, const Membership& members, std::uint64_t offset,
           const std::byte* data, std::uint64_t bytes);

 private:
  Endpoint at_;
  HostEdges edges_;
  int copy_blocks_;
};

// The receiving end, one for each rank, likewise.
class DeviceReceipts {
 public:
  // Before arming, with the rank's context current. The world must outlive this.
  DeviceReceipts(DeviceWorld& world, int rank);

  // What is enqueued after it sees the bytes in window().
  void await_put(cudaStream_t stream, const Membership& members, std::uint64_t offset,
                 std::uint64_t bytes);

  // This rank's; its owner reads and writes it as it likes between puts.
  std::byte* window() const;

 private:
  Endpoint at_;
  HostEdges edges_;
};

}  // namespace regroup::cuda
