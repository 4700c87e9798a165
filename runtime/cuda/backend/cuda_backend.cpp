#include "runtime/cuda/backend/cuda_backend.hpp"

#include "core/errors.hpp"

namespace regroup::cuda {
namespace {

std::unique_ptr<Machine> checked(const Catalog& catalog, std::unique_ptr<Machine> machine) {
  if (static_cast<std::size_t>(machine->ranks()) != catalog.gpus().size())
    fail<ConfigError>(
        "the cluster has {} GPUs and --devices gives {} ranks: one for each is needed",
        catalog.gpus().size(), machine->ranks());
  return machine;
}

NodeOptions with_watchdog(NodeOptions options, Duration patience) {
  options.world.watchdog_ns = patience.count();
  return options;
}

}  // namespace

serve::ServeOptions CudaBackend::serve_options(CudaNode& node, const CudaBackendOptions& options) {
  serve::ServeOptions serve;
  serve.virtual_clock = false;
  serve.faults = options.faults;
  serve.device = [&node](int rank, serve::Clock&, collectives::World&) {
    return node.device(rank);
  };
  serve.rearm = [&node] { node.rearm(); };
  serve.window_bytes = node.world().heap().layout.window_bytes;
  serve.puts_in_world = false;
  serve.patience = options.patience;
  serve.report = options.report;
  return serve;
}

CudaBackend::CudaBackend(const Catalog& catalog, std::unique_ptr<Machine> machine,
                         const MemoryPlan& plan, CudaBackendOptions options)
    : NodeHolder(checked(catalog, std::move(machine)), plan,
                 with_watchdog(options.node, options.patience)),
      RankBackend(catalog, serve_options(node_, options)) {}

}  // namespace regroup::cuda
