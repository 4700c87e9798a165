// What a new group costs: the time from the decision that some ranks work together until the last
// of them has done its first collective, less the same with a group that has met before.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/cuda/collectives/device_world.hpp"
#include "runtime/cuda/gpu/machine.hpp"
#include "runtime/cuda/nccl/nccl_library.hpp"

namespace regroup::cuda {

struct FormationOptions {
  std::vector<int> sizes = {2, 4, 8};  // of groups; those with more ranks than there are, are not
  int samples = 100;                   // of each size and way, each of another random ordered set
  std::uint64_t seed = 1;
};

// Over the samples, in seconds.
struct FormationSpread {
  double median = 0;
  double p99 = 0;
  double most = 0;
};

// One way of forming groups of one size.
struct FormationTimes {
  std::string way;  // "group-free", "nccl new", "nccl split", "nccl cached"
  int size = 0;
  int samples = 0;
  FormationSpread first;      // from the decision to the last member's first collective's end
  FormationSpread again;      // likewise, when the same group meets again
  FormationSpread formation;  // first less again, of each sample: what the group cost
  FormationSpread destroy;    // giving it back; 0 if there is nothing to give back
};

struct FormationReport {
  std::vector<FormationTimes> times;
  // What a reader has to know besides: which NCCL, that it was not measured and why, or that its
  // figures are of one rank and so a lower bound, because NCCL takes a GPU once in a communicator.
  std::string note;
};

// The collective is a barrier; ends are seen by the threads of the ranks. `world` is the machine's,
// without failures. `nccl` null: not measured, because of `why_not`. Before arming, all streams
// idle and no rank's context current to another thread. Throws CudaError, NcclError.
FormationReport measure_group_formation(const Machine& machine, DeviceWorld& world,
                                        const NcclLibrary* nccl, const std::string& why_not,
                                        const FormationOptions& options);

}  // namespace regroup::cuda
