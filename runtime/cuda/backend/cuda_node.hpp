// The GPUs of this process, set up to serve: everything that the ranks will ever use, made before
// the first request comes.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "runtime/cuda/backend/cuda_rank.hpp"
#include "runtime/cuda/collectives/device_world.hpp"
#include "runtime/cuda/dit/memory_plan.hpp"
#include "runtime/cuda/gpu/machine.hpp"
#include "runtime/cuda/nccl/nccl_library.hpp"
#include "runtime/cuda/ops/math_libraries.hpp"

namespace regroup::cuda {

struct NodeOptions {
  std::vector<ServedModel> models;  // none: steps only take time
  int states = 64;                  // that a rank, and snapshots of them that the host, can hold
  bool graphs = true;               // CUDA graphs where exchanges can be captured
  WorldOptions world;
  std::shared_ptr<const StreamMemops> memops;  // what `world` points to, for SyncMode::kMemop
  Jitter jitter;                               // of what only takes time
  // Steps exchange through NCCL if it is set, with so many communicators kept. Needs whole
  // GPUs (nccl/communicator.hpp).
  std::shared_ptr<const NcclLibrary> nccl;
  std::size_t communicators = 64;
  // What a rank computes with; in its context.
  std::function<RankMath(const MathResources&)> math = [](const MathResources&) {
    return plain_math();
  };
};

// What such a node needs of the symmetric heap and of memory. Throws ConfigError as plan_memory().
MemoryPlan plan_node(const NodeOptions& options, int ranks, int ranks_per_gpu);

// Arms the process (gpu/arming.hpp) at the end of its constructor, disarms it in its destructor,
// by when all ranks' threads must have ended.
class CudaNode {
 public:
  // `machine` outlives it; its heap is that of `plan`. Takes seconds: weights, plans, graphs.
  CudaNode(const Machine& machine, const MemoryPlan& plan, NodeOptions options);
  CudaNode(const CudaNode&) = delete;
  CudaNode& operator=(const CudaNode&) = delete;
  ~CudaNode();

  // For the rank's thread; refers to this node.
  std::unique_ptr<serve::RankDevice> device(int rank);
  // After a failure, when no rank is inside an operation: waits until all kernels have given up,
  // and makes the collectives as new.
  void rearm();

  DeviceWorld& world() { return *world_; }
  // For states that come from other nodes.
  SnapshotPool& snapshots() { return *snapshots_; }
  // Of all ranks together; `refusal`: the first.
  StepGraphStats graphs() const;

 private:
  struct Gpu;
  struct Rank;
  struct Nccl;

  void load_models(int ordinal, int first_rank);
  void set_up(int rank);
  const Gpu& gpu_of(int rank) const;

  const Machine& machine_;
  MemoryPlan plan_;
  NodeOptions options_;
  std::vector<std::unique_ptr<Gpu>> gpus_;
  std::vector<std::unique_ptr<Rank>> ranks_;
  std::unique_ptr<DeviceWorld> world_;
  std::unique_ptr<SnapshotPool> snapshots_;
  std::unique_ptr<Nccl> nccl_;
};

}  // namespace regroup::cuda
