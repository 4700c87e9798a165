#include "models/platform.hpp"

#include <limits>

#include "core/errors.hpp"
#include "models/layouts.hpp"
#include "models/memory.hpp"
#include "models/platform_costs.hpp"

namespace regroup::models {

struct Platform::State {
  State(const Library& data, const PlatformOptions& options)
      : library(data),
        cluster(ClusterSpec::load(
            options.cluster, [&](std::string_view name) { return data.gpu(name); },
            data.overheads().links)),
        costs(data, cluster, options),
        check_memory(options.check_memory) {
    std::vector<const ModelCard*> resident;
    for (const std::string& name : options.models) {
      const ModelCard* card = &data.card(name);
      if (std::find(resident.begin(), resident.end(), card) == resident.end())
        resident.push_back(card);
    }
    const GpuKind& kind = cluster.gpu();
    std::int64_t free = kind.memory_bytes;
    if (check_memory) {
      const std::int64_t weights = resident_bytes(resident, kind.memory_bytes);
      free -= weights + data.overheads().runtime_bytes;
      if (free <= 0)
        fail<ConfigError>("the weights of {} take {:.1f} GB; a {} has {:.0f} GB",
                          fmt::join(options.models, ", "), static_cast<double>(weights) * 1e-9,
                          kind.name, static_cast<double>(kind.memory_bytes) * 1e-9);
    }
    for (const Node& node : cluster.nodes())
      for (int i = 0; i < node.count; ++i)
        gpus.push_back({.id = GpuId{static_cast<std::uint32_t>(gpus.size())},
                        .node = node.id,
                        .memory_free_bytes = free});
  }

  const Library& library;
  const ClusterSpec cluster;
  PlatformCosts costs;
  const bool check_memory;
  std::vector<Gpu> gpus;
};

Platform::Platform(const PlatformOptions& options)
    : state_(std::make_unique<State>(Library::builtin(), options)) {}

Platform::~Platform() = default;

std::span<const Node> Platform::nodes() const { return state_->cluster.nodes(); }
std::span<const Gpu> Platform::gpus() const { return state_->gpus; }

std::optional<ModelId> Platform::find_model(std::string_view name) const {
  const ModelCard* card = state_->library.find_card(name);
  if (card == nullptr) return std::nullopt;
  return ModelId{static_cast<std::uint32_t>(card - state_->library.cards().data())};
}

const std::string& Platform::model_name(ModelId model) const {
  return state_->costs.model(model).card().name;
}

const StageGraph& Platform::stages(ModelId model) const {
  return state_->costs.model(model).card().stages;
}

ShapeId Platform::intern(ModelId model, Shape shape, double guidance) {
  return state_->costs.intern(model, shape, guidance);
}

std::span<const Layout> Platform::layouts(ShapeId shape, std::size_t stage) const {
  return state_->costs.entry(shape).stages.at(stage).layouts;
}

std::string Platform::why_not(ShapeId shape, std::size_t stage, Layout layout) const {
  const ShapeEntry& entry = state_->costs.entry(shape);
  return models::why_not(state_->costs.model(entry.model).card(), stage, entry.forwards, layout);
}

std::int64_t Platform::memory_bytes(ShapeId shape, std::size_t stage, Layout layout,
                                    int batch) const {
  if (!state_->check_memory) return 0;
  const ShapeEntry& entry = state_->costs.entry(shape);
  return activation_bytes(state_->costs.model(entry.model).card(), stage, entry.shape,
                          entry.forwards, layout, batch);
}

const CostModel& Platform::cost() const { return state_->costs; }

Semantics Platform::semantics() const { return state_->costs.semantics(); }

Migration Platform::migration(const Task& task, const Group& to) const {
  return state_->costs.migration(task, to);
}

Duration Platform::standalone(ShapeId shape, int steps, int gpus) const {
  return state_->costs.standalone(shape, steps, gpus);
}

Duration Platform::form(const Group& group) { return state_->costs.form(group); }

std::string Platform::source(ShapeId shape, std::size_t stage, Layout layout) const {
  const ShapeEntry& entry = state_->costs.entry(shape);
  const Estimate estimate =
      state_->costs.model(entry.model).estimate(stage, entry.shape, entry.forwards, layout);
  const char* const name = estimate.source == Estimate::Source::kAnalytic     ? "analytic"
                           : estimate.source == Estimate::Source::kCalibrated ? "calibrated"
                                                                              : "quadratic";
  return fmt::format("{}{} ({})", name, estimate.scaled ? ", scaled" : "", estimate.citation);
}

const ClusterSpec& Platform::cluster() const { return state_->cluster; }

std::span<const std::string> Platform::card_names() const { return state_->library.card_names(); }

}  // namespace regroup::models
