#include "runtime/cuda/backend/cuda_node.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/errors.hpp"
#include "runtime/cuda/backend/group_free_exchanges.hpp"
#include "runtime/cuda/backend/nccl_rank_exchanges.hpp"
#include "runtime/cuda/backend/state_kernels.hpp"
#include "runtime/cuda/gpu/arming.hpp"
#include "runtime/cuda/gpu/rank_threads.hpp"
#include "runtime/cuda/portable/check.hpp"
#include "runtime/dit/weights.hpp"

namespace regroup::cuda {
namespace {

constexpr std::uint64_t kWeightSeed = 1;
using collectives::HeapLayout;

}  // namespace

// What slices of one GPU share.
struct CudaNode::Gpu {
  int ordinal;
  std::vector<DeviceBuffer> memory;
  std::vector<std::unique_ptr<DeviceModel>> models;
  std::vector<LoadedModel> loaded;
};

struct CudaNode::Rank {
  DeviceBuffer ledger, parameters, step_memory, workspace, state_memory;
  PinnedBuffer readback;
  std::unique_ptr<SlotPool> states;
  std::unique_ptr<RankExchanges> exchanges;
  std::unique_ptr<DevicePuts> puts;
  std::unique_ptr<DeviceReceipts> receipts;
  RankMath math;
  std::unique_ptr<StepGraphs> graphs;
};

struct CudaNode::Nccl {
  NcclWorld world;
  NcclIssuer issuer;

  Nccl(const Machine& machine, const NodeOptions& options)
      : world{.library = *options.nccl,
              .machine = machine,
              .exchange_id = {},
              .patience = std::chrono::nanoseconds(options.world.watchdog_ns)},
        issuer(world, options.communicators) {}
};

MemoryPlan plan_node(const NodeOptions& options, int ranks, int ranks_per_gpu) {
  MemoryPlan plan;
  if (options.models.empty()) {
    plan.state_bytes = kTimedStateBytes;
    plan.heap = {
        .world = ranks,
        .slot_bytes = collectives::kHeapAlignment,
        .window_bytes = HeapLayout::round_up(MemoryDemand{}.states_at_once * kTimedStateBytes)};
  } else {
    MemoryDemand demand{.models = {},
                        .ranks = ranks,
                        .ranks_per_gpu = ranks_per_gpu,
                        .states_per_rank = options.states};
    for (const ServedModel& model : options.models) {
      PlannedModel planned{.config = model.config, .shapes = {}, .layouts = {}};
      std::set<Layout> layouts;
      for (const ServedShape& shape : model.shapes) {
        planned.shapes.push_back(shape.pixels);
        planned.guided = planned.guided || shape.guided;
        layouts.insert(shape.layouts.begin(), shape.layouts.end());
      }
      planned.layouts.assign(layouts.begin(), layouts.end());
      demand.models.push_back(std::move(planned));
    }
    plan = plan_memory(demand);
  }
  return plan;
}

CudaNode::CudaNode(const Machine& machine, const MemoryPlan& plan, NodeOptions options)
    : machine_(machine), plan_(plan), options_(std::move(options)) {
  for (int rank = 0; rank < machine.ranks(); ++rank) ranks_.push_back(std::make_unique<Rank>());
  on_every_rank(machine_, [this](int rank) {
    ranks_[static_cast<std::size_t>(rank)]->ledger =
        DeviceBuffer(sizeof(DeviceRank), "a rank's counters");
  });
  std::vector<DeviceRank*> ledgers;
  for (const auto& rank : ranks_) ledgers.push_back(rank->ledger.as<DeviceRank>());
  if (options_.nccl != nullptr) nccl_ = std::make_unique<Nccl>(machine_, options_);
  world_ = std::make_unique<DeviceWorld>(machine_.heap(), ledgers, options_.world);
  snapshots_ =
      std::make_unique<SnapshotPool>(plan_.state_bytes, options_.states + machine_.ranks());

  for (const MachineGpu& gpu : machine_.gpus()) {
    gpus_.push_back(std::make_unique<Gpu>());
    gpus_.back()->ordinal = gpu.ordinal;
  }
  // One rank of each GPU loads what all of them use.
  on_every_rank(machine_, [this](int rank) {
    const int ordinal = machine_.rank(rank).ordinal;
    for (int before = 0; before < rank; ++before)
      if (machine_.rank(before).ordinal == ordinal) return;
    load_models(ordinal, rank);
  });
  on_every_rank(machine_, [this](int rank) { set_up(rank); });
  arm();
}

CudaNode::~CudaNode() {
  if (armed()) disarm();
}

const CudaNode::Gpu& CudaNode::gpu_of(int rank) const {
  const auto found = std::ranges::find(gpus_, machine_.rank(rank).ordinal,
                                       [](const auto& gpu) { return gpu->ordinal; });
  return **found;
}

void CudaNode::load_models(int ordinal, int first_rank) {
  Gpu& gpu = **std::ranges::find(gpus_, ordinal, [](const auto& each) { return each->ordinal; });
  const cudaStream_t stream = machine_.rank(first_rank).compute;
  for (std::size_t i = 0; i < options_.models.size(); ++i) {
    const ServedModel& served = options_.models[i];
    std::vector<dit::LatentShape> shapes;
    for (const ServedShape& shape : served.shapes)
      if (std::ranges::find(shapes, shape.latents) == shapes.end()) shapes.push_back(shape.latents);
    gpu.memory.emplace_back(DeviceModel::bytes(served.config, shapes), "weights");
    gpu.models.push_back(
        std::make_unique<DeviceModel>(served.config, shapes, gpu.memory.back().data()));
    DeviceModel& model = *gpu.models.back();
    if (served.weights.empty()) {
      model.fill_seeded(stream, kWeightSeed);
    } else {
      dit::FileWeights file(served.weights);
      model.fill_from(file);
    }

    const std::int64_t width = static_cast<std::int64_t>(served.config.text_width);
    const std::int64_t text = static_cast<std::int64_t>(served.config.text_tokens) * width;
    const std::uint64_t pooled_at = (2 * static_cast<std::uint64_t>(text) + 255) / 256 * 256;
    gpu.memory.emplace_back(pooled_at + 4 * static_cast<std::uint64_t>(width),
                            "the negative prompt");
    const DeviceBuffer& negative = gpu.memory.back();
    auto* const pooled = reinterpret_cast<float*>(negative.data() + pooled_at);
    SeededTensor numbers = seeded_tensor(kWeightSeed, "negative prompt", 0);
    numbers.deviation = 1;
    fill_seeded(stream, numbers, text, negative.as<Bf16>());
    fill_noise(stream, numbers, width, pooled);
    gpu.loaded.push_back({&served, &model, negative.as<Bf16>(), pooled});
  }
  check(cudaStreamSynchronize(stream), "loading weights");
}

void CudaNode::set_up(int number) {
  Rank& rank = *ranks_[static_cast<std::size_t>(number)];
  const MachineRank& of_machine = machine_.rank(number);
  rank.readback = PinnedBuffer(kReadbackBytes, "reading back");
  rank.parameters = DeviceBuffer(sizeof(StepParameters), "a step's parameters");
  rank.state_memory = DeviceBuffer(plan_.state_bytes * static_cast<std::uint64_t>(options_.states),
                                   "states of requests");
  rank.states = std::make_unique<SlotPool>(rank.state_memory.data(), plan_.state_bytes,
                                           options_.states, "states of requests on a rank");
  if (nccl_ != nullptr)
    rank.exchanges = std::make_unique<NcclRankExchanges>(
        nccl_->issuer, machine_, number, std::max(plan_.heap.slot_bytes, 2 * plan_.state_bytes));
  else
    rank.exchanges =
        std::make_unique<GroupFreeExchanges>(*world_, number, rank.parameters.as<StepParameters>());
  rank.puts = std::make_unique<DevicePuts>(*world_, number);
  rank.receipts = std::make_unique<DeviceReceipts>(*world_, number);
  if (options_.models.empty()) return;

  rank.workspace = DeviceBuffer(plan_.workspace_bytes, "the libraries' workspace");
  rank.step_memory = DeviceBuffer(plan_.step_bytes, "activations");
  rank.math = options_.math({.workspace = rank.workspace.data(),
                             .workspace_bytes = rank.workspace.bytes(),
                             .sm_count = of_machine.slice ? of_machine.sms : 0});
  const bool graphs = options_.graphs && rank.exchanges->capturable();
  rank.graphs = std::make_unique<StepGraphs>(
      RankResources{.math = &rank.math,
                    .exchanges = rank.exchanges.get(),
                    .parameters = rank.parameters.as<StepParameters>(),
                    .memory = rank.step_memory.data(),
                    .memory_bytes = rank.step_memory.bytes()},
      of_machine.compute, graphs ? StepGraphs::Mode::kGraphs : StepGraphs::Mode::kEager);
  for (const LoadedModel& model : gpu_of(number).loaded)
    for (const ServedShape& shape : model.served->shapes)
      for (const Layout layout : shape.layouts)
        for (const StepVariant& variant :
             step_variants(model.served->config, shape.latents, layout, shape.guided))
          rank.graphs->add(*model.weights, variant);
}

std::unique_ptr<serve::RankDevice> CudaNode::device(int number) {
  Rank& rank = *ranks_[static_cast<std::size_t>(number)];
  const RankTools tools{.rank = number,
                        .stream = machine_.rank(number).compute,
                        .states = rank.states.get(),
                        .exchanges = rank.exchanges.get(),
                        .parameters = rank.parameters.as<StepParameters>(),
                        .readback = rank.readback.data()};
  auto compute = options_.models.empty()
                     ? timed_compute(tools, options_.jitter)
                     : dit_compute(tools, gpu_of(number).loaded, *rank.graphs, options_.jitter);
  return cuda_rank(machine_, *world_, tools,
                   {snapshots_.get(), rank.puts.get(), rank.receipts.get()}, std::move(compute));
}

void CudaNode::rearm() {
  for (int rank = 0; rank < machine_.ranks(); ++rank) {
    check(cudaStreamSynchronize(machine_.rank(rank).compute), "waiting for a rank to give up");
    check(cudaStreamSynchronize(machine_.rank(rank).migration), "waiting for a rank to give up");
  }
  world_->rearm();
  if (nccl_ != nullptr) nccl_->issuer.rearm();
  for (const auto& rank : ranks_) rank->exchanges->rearm();
}

StepGraphStats CudaNode::graphs() const {
  StepGraphStats all;
  for (const auto& rank : ranks_) {
    if (rank->graphs == nullptr) continue;
    const StepGraphStats& of_rank = rank->graphs->stats();
    all.programs += of_rank.programs;
    all.graphs += of_rank.graphs;
    all.nodes += of_rank.nodes;
    all.seconds = std::max(all.seconds, of_rank.seconds);
    if (all.refusal.empty()) all.refusal = of_rank.refusal;
  }
  return all;
}

}  // namespace regroup::cuda
