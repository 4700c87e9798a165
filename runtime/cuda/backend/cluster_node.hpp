// A node of several (runtime/cluster) whose ranks are the GPUs of its process.
#pragma once

#include <memory>

#include "runtime/cluster/node_server.hpp"
#include "runtime/cuda/backend/cuda_node.hpp"

namespace regroup::cuda {

// The machine and what is set up on it, in the order in which they are to be destroyed.
struct NodeParts {
  NodeParts(std::unique_ptr<Machine> opened, const MemoryPlan& plan, NodeOptions options)
      : machine(std::move(opened)), node(*machine, plan, std::move(options)) {}

  std::unique_ptr<Machine> machine;
  CudaNode node;
};

// What the node's server needs; shares the parts. Placements are carried out within the node.
cluster::NodeOptions cluster_node(const cluster::NodeSpec& spec, std::shared_ptr<NodeParts> parts);

}  // namespace regroup::cuda
