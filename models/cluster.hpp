// Which GPUs there are, in which nodes, and how bytes get from one to another.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/gpu.hpp"
#include "models/topology.hpp"
#include "regroup/policy/cluster_view.hpp"

namespace regroup::models {

// One kind of GPU throughout. Paths are kept for each form of node and joined through the fabric,
// so building takes time and memory in the number of GPUs, not of pairs of them.
class ClusterSpec {
 public:
  // Throws ConfigError for a name it does not know.
  using FindGpu = std::function<std::shared_ptr<const GpuKind>(std::string_view name)>;

  // A short name, [<nodes>x]<GPUs a node>x<kind> or <kind>:<GPUs of one node>, or the path of a
  // "regroup-cluster" file. Throws ConfigError: an unknown GPU, more than 64 GPUs in a node, ends
  // without a way between them.
  static ClusterSpec load(const std::string& name_or_file, const FindGpu& find_gpu,
                          const LinkLatency& latency);

  const std::string& name() const { return name_; }
  const GpuKind& gpu() const { return *gpu_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  std::size_t gpu_count() const { return node_of_.size(); }
  NodeId node_of(GpuId gpu) const { return node_of_[gpu.value]; }
  int largest_node() const;

  // From one GPU to another. Infinitely fast to itself.
  Path path(GpuId from, GpuId to) const;

 private:
  void add_nodes(int count, std::size_t form);

  std::string name_;
  std::shared_ptr<const GpuKind> gpu_;
  std::vector<NodeTopology> forms_;
  std::vector<Node> nodes_;
  std::vector<std::size_t> form_of_;  // node -> form
  std::vector<NodeId> node_of_;       // GPU -> node
};

}  // namespace regroup::models
