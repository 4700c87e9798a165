// The ways of forming groups that are measured.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/cuda/collectives/device_collectives.hpp"
#include "runtime/cuda/gpu/device_memory.hpp"
#include "runtime/cuda/nccl/nccl_issuer.hpp"

namespace regroup::cuda {

// Ranks are the members in order, as numbers of the machine.
class FormationWay {
 public:
  using Ranks = std::span<const int>;
  virtual ~FormationWay() = default;
  virtual std::string name() const = 0;

  // Not timed: afterwards the group is as the way has it. True: it is to meet once before it is
  // measured.
  virtual bool set_up(Ranks) { return false; }
  // Timed as part of the decision, on the thread that decides; what the group itself needs, besides
  // its value.
  virtual void decide(Ranks) {}
  // Timed, at every member on its rank's thread: returns when the rank has met the others.
  virtual void meet(int rank, const collectives::RankGroup& group) = 0;
  // Timed for itself. False: there is nothing to give back.
  virtual bool give_back(Ranks) { return false; }
};

std::unique_ptr<FormationWay> group_free_way(const Machine& machine, DeviceWorld& world);

// One NCCL for the ways below. Where several ranks share a GPU it works in the GPU's own context,
// which is not that of a slice.
struct NcclBench {
  NcclBench(const NcclLibrary& library, const Machine& machine);

  void meet(int rank, const collectives::RankGroup& group);

  const Machine& machine;
  NcclWorld world;
  std::vector<Stream> streams;        // by rank
  std::vector<DeviceBuffer> arrived;  // by rank, a byte for each member
  NcclIssuer issuer;
};
// A new communicator; one split off from that of all ranks; one that is in the cache.
std::vector<std::unique_ptr<FormationWay>> nccl_ways(NcclBench& bench);

}  // namespace regroup::cuda
