#include "runtime/cuda/backend/open_cuda.hpp"

#include <fmt/format.h>

#include "core/errors.hpp"
#include "runtime/cuda/backend/cuda_backend.hpp"
#include "runtime/cuda/backend/open_node.hpp"
#include "runtime/cuda/nccl/communicator.hpp"

namespace regroup::cuda {
namespace {

std::string describe(const StepGraphStats& graphs) {
  std::string text = fmt::format("{} of {} step programs recorded as CUDA graphs, {} nodes",
                                 graphs.graphs, graphs.programs, graphs.nodes);
  if (graphs.graphs > 0) text += fmt::format(", in {:.2f} s", graphs.seconds);
  if (!graphs.refusal.empty()) text += ": " + graphs.refusal;
  return text;
}

}  // namespace

OpenedNode open_node(const CudaOptions& options) {
  OpenedNode opened;
  NodeOptions& node = opened.options;
  node.models = options.models;
  node.graphs = options.graphs;
  node.states = options.states;
  node.jitter = options.jitter;
  node.world.watchdog_ns = options.patience.count();

  opened.plan = plan_node(node, options.devices.ranks, most_ranks_of_a_gpu(options.devices));
  opened.ranks = open_ranks(options.devices, opened.plan.heap, options.sync);
  const Machine& machine = *opened.ranks.machine;
  node.memops = opened.ranks.memops;
  node.world.memops = node.memops.get();
  node.world.sync = opened.ranks.sync;

  Facts& facts = opened.ranks.facts;
  if (options.nccl) {
    require_whole_gpus(machine);
    node.nccl = std::make_shared<const NcclLibrary>();
    node.communicators = options.communicators;
    facts.emplace_back("collectives", "NCCL " + node.nccl->version());
  } else {
    facts.emplace_back("collectives", "group-free");
  }
  if (node.models.empty()) return opened;

  for (const MachineGpu& gpu : machine.gpus()) require_fits(opened.plan, gpu.memory_bytes);
  const auto libraries = std::make_shared<const MathLibraries>(
      options.own_kernels ? MathChoice::kOwnKernels : MathChoice::kBest);
  node.math = [libraries](const MathResources& resources) {
    return libraries->rank_math(resources);
  };
  facts.emplace_back("math", libraries->describe());
  facts.emplace_back("memory", sentence(opened.plan, machine.gpus().front().memory_bytes));
  return opened;
}

OpenedCuda open_cuda(const Catalog& catalog, CudaOptions options) {
  if (static_cast<std::size_t>(options.devices.ranks) != catalog.gpus().size())
    fail<ConfigError>("--devices {}: {} ranks for a cluster of {} GPUs; one for each is needed",
                      options.devices.text(), options.devices.ranks, catalog.gpus().size());
  OpenedNode node = open_node(options);
  auto backend =
      std::make_unique<CudaBackend>(catalog, std::move(node.ranks.machine), node.plan,
                                    CudaBackendOptions{.node = std::move(node.options),
                                                       .faults = std::move(options.faults),
                                                       .patience = options.patience,
                                                       .report = std::move(options.report)});
  OpenedCuda opened{.backend = nullptr, .facts = std::move(node.ranks.facts)};
  if (const StepGraphStats graphs = backend->node().graphs(); graphs.programs > 0)
    opened.facts.emplace_back("graphs", describe(graphs));
  opened.backend = std::move(backend);
  return opened;
}

}  // namespace regroup::cuda
