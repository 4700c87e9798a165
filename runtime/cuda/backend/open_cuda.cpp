#include "runtime/cuda/backend/open_cuda.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/errors.hpp"
#include "runtime/cuda/backend/cuda_backend.hpp"
#include "runtime/cuda/collectives/driver_memops.hpp"
#include "runtime/cuda/gpu/open_machine.hpp"
#include "runtime/cuda/gpu/self_test.hpp"
#include "runtime/cuda/gpu/shared_sms.hpp"

namespace regroup::cuda {
namespace {

std::optional<SyncMode> forced_mode(const std::string& name) {
  if (name.empty()) return std::nullopt;
  for (const SyncMode mode : {SyncMode::kSpin, SyncMode::kMemop, SyncMode::kEvent})
    if (name == sync_mode_name(mode)) return mode;
  fail<ConfigError>("sync mode '{}': expected spin, memop or event", name);
}

int most_ranks_of_a_gpu(const devices::DeviceList& devices) {
  int most = 0;
  for (const int ordinal : devices.ordinals())
    most = std::max(most, static_cast<int>(std::ranges::count(devices.of_ranks, ordinal,
                                                              &devices::RankDevice::ordinal)));
  return most;
}

std::string gpu_names(const Machine& machine) {
  std::string text;
  for (const MachineGpu& gpu : machine.gpus())
    text += fmt::format("{}gpu{}: {}, {} SMs, {:.1f} GiB", text.empty() ? "" : "; ", gpu.ordinal,
                        gpu.name, gpu.sms,
                        static_cast<double>(gpu.memory_bytes) / static_cast<double>(1 << 30));
  return text;
}

std::string describe(const StepGraphStats& graphs) {
  std::string text = fmt::format("{} of {} step programs recorded as CUDA graphs, {} nodes",
                                 graphs.graphs, graphs.programs, graphs.nodes);
  if (graphs.graphs > 0) text += fmt::format(", in {:.2f} s", graphs.seconds);
  if (!graphs.refusal.empty()) text += ": " + graphs.refusal;
  return text;
}

}  // namespace

OpenedCuda open_cuda(const Catalog& catalog, CudaOptions options) {
  if (options.devices.kind != devices::DeviceList::Kind::kCuda)
    fail<ConfigError>("--devices {}: GPUs are needed, as gpu0 or gpu0:8x16sm",
                      options.devices.text());
  const int ranks = options.devices.ranks;
  if (static_cast<std::size_t>(ranks) != catalog.gpus().size())
    fail<ConfigError>("--devices {}: {} ranks for a cluster of {} GPUs; one for each is needed",
                      options.devices.text(), ranks, catalog.gpus().size());
  const std::optional<SyncMode> forced = forced_mode(options.sync);

  CudaBackendOptions backend;
  NodeOptions& node = backend.node;
  node.models = std::move(options.models);
  node.graphs = options.graphs;
  node.states = options.states;
  node.jitter = options.jitter;
  backend.faults = std::move(options.faults);
  backend.patience = options.patience;
  backend.report = std::move(options.report);

  const MemoryPlan plan = plan_node(node, ranks, most_ranks_of_a_gpu(options.devices));
  std::unique_ptr<Machine> machine = open_machine(options.devices, plan.heap);
  for (const MachineGpu& gpu : machine->gpus()) require_fits(plan, gpu.memory_bytes);

  OpenedCuda opened;
  const auto fact = [&](const char* name, std::string text) {
    opened.facts.emplace_back(name, std::move(text));
  };
  fact("devices", options.devices.text());
  fact("gpus", gpu_names(*machine));
  fact("cuda", machine->versions());

  node.memops = driver_memops(*machine);
  node.world.memops = node.memops.get();
  const SyncChoice sync = choose_sync_mode(
      *machine,
      {.forced = forced, .shared_sms = find_shared_sms(*machine), .memops = node.world.memops});
  node.world.sync = sync.mode;
  fact("sync", fmt::format("{} ({})", sync_mode_name(sync.mode), sync.why));

  if (!node.models.empty()) {
    const auto libraries = std::make_shared<const MathLibraries>(
        options.own_kernels ? MathChoice::kOwnKernels : MathChoice::kBest);
    node.math = [libraries](const MathResources& resources) {
      return libraries->rank_math(resources);
    };
    fact("math", libraries->describe());
    fact("memory", sentence(plan, machine->gpus().front().memory_bytes));
  }

  auto made = std::make_unique<CudaBackend>(catalog, std::move(machine), plan, std::move(backend));
  if (const StepGraphStats graphs = made->node().graphs(); graphs.programs > 0)
    fact("graphs", describe(graphs));
  opened.backend = std::move(made);
  return opened;
}

}  // namespace regroup::cuda
