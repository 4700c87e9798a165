// Carries out placements on GPUs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/cuda/backend/cuda_node.hpp"
#include "runtime/serve/rank_backend.hpp"

namespace regroup::cuda {

struct CudaBackendOptions {
  NodeOptions node;  // its watchdog is set from `patience`
  std::vector<serve::Fault> faults;
  // How much longer than expected a rank waits for its peers before it gives them up.
  Duration patience = std::chrono::seconds(10);
  std::function<void(const std::string&)> report;  // see ServeOptions
};

// Owns the machine and what is set up on it; a base class, so that the ranks' threads end first.
class NodeHolder {
 protected:
  NodeHolder(std::unique_ptr<Machine> machine, const MemoryPlan& plan, NodeOptions options)
      : machine_(std::move(machine)), node_(*machine_, plan, std::move(options)) {}

  std::unique_ptr<Machine> machine_;
  CudaNode node_;
};

// A RankBackend on the machine's clock whose ranks are GPUs, or slices of one.
class CudaBackend final : private NodeHolder, public serve::RankBackend {
 public:
  // `machine`: one rank for each GPU of the catalog, with the heap of `plan` (plan_node()).
  // ConfigError: another number of ranks.
  CudaBackend(const Catalog& catalog, std::unique_ptr<Machine> machine, const MemoryPlan& plan,
              CudaBackendOptions options);

  const Machine& machine() const { return *machine_; }
  const CudaNode& node() const { return node_; }

 private:
  static serve::ServeOptions serve_options(CudaNode& node, const CudaBackendOptions& options);
};

}  // namespace regroup::cuda
