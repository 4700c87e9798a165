#include "models/platform_costs.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "core/errors.hpp"
#include "models/json.hpp"
#include "models/layouts.hpp"

namespace regroup::models {
namespace {

constexpr double kNotAsked = std::numeric_limits<double>::quiet_NaN();

std::vector<std::filesystem::path> json_files(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());  // the order of a folder is the machine's
  if (files.empty())
    fail<ConfigError>("{}: a calibration folder without .json files", path.string());
  return files;
}

Layout widest(std::span<const Layout> layouts, int gpus) {
  Layout best = layouts.front();
  for (const Layout layout : layouts)
    if (layout.size() <= gpus) best = layout;
  return best;
}

std::size_t rest_index(int gpus) {
  return static_cast<std::size_t>(std::clamp(gpus, 1, kMaxDegree)) - 1;
}

// The time from the start of `stage` to the end of the request, if each stage takes times[stage].
double longest(const StageGraph& graph, std::size_t stage, std::span<const double> times) {
  std::array<double, StageGraph::kMaxStages> from_start{};
  const std::span<const std::uint8_t> order = graph.topological();
  for (auto at = order.rbegin(); at != order.rend(); ++at) {
    double later = 0;
    for (const std::uint8_t after : graph.after(*at)) later = std::max(later, from_start[after]);
    from_start[*at] = times[*at] + later;
  }
  return from_start[stage];
}

}  // namespace

PlatformCosts::PlatformCosts(const Library& library, const ClusterSpec& cluster,
                             const PlatformOptions& options)
    : library_(library),
      cluster_(cluster),
      groups_(options.groups),
      communicators_(options.nccl_cache_groups) {
  const Overheads& overheads = library.overheads();
  const bool nccl = groups_ == PlatformOptions::Groups::kNccl;
  setup_ = from_seconds(nccl ? overheads.nccl_s : overheads.group_free_s);
  dispatch_ = from_seconds(overheads.dispatch_s);
  if (!options.semantics.empty()) {
    semantics_ = library.semantics(options.semantics);
    setup_ = from_seconds(nccl ? overheads.nccl_s : semantics_->group_setup_s);
    dispatch_ = from_seconds(semantics_->dispatch_s);
  }
  for (const ModelCard& card : library.cards())
    cards_.push_back(semantics_ ? semantics_->applied_to(card) : card);
  for (const ModelCard& card : cards_)
    models_.push_back(
        std::make_unique<ModelCosts>(library, card, cluster.gpu(), cluster.largest_node()));
  if (options.costs == PlatformOptions::Costs::kBest) {
    read_calibrations(options);
  } else if (!options.calibrations.empty()) {
    fail<ConfigError>("calibration '{}' given together with analytic costs, which use none",
                      options.calibrations.front().string());
  }
}

void PlatformCosts::read_calibrations(const PlatformOptions& options) {
  for (const Calibration& calibration : library_.calibrations(cluster_.gpu().name))
    add(calibration, 0, "models/data/calibrations");
  int rank = 0;
  for (const std::filesystem::path& path : options.calibrations) {
    ++rank;
    if (!std::filesystem::exists(path)) {
      const auto builtin = library_.quadratic(path.string());
      if (builtin == nullptr)
        fail<ConfigError>("calibration '{}': no such file, folder or built-in cost model",
                          path.string());
      use_quadratic(builtin, options);
      continue;
    }
    if (QuadraticCosts::is_folder(path)) {
      use_quadratic(std::make_shared<const QuadraticCosts>(QuadraticCosts::read(path)), options);
      continue;
    }
    for (const std::filesystem::path& file : json_files(path))
      add(Calibration::parse(Json::read(file)), rank, file.string());
  }
}

void PlatformCosts::add(const Calibration& calibration, int rank, const std::string& file) {
  const ModelCard* card = library_.find_card(calibration.model);
  if (card == nullptr)
    fail<ConfigError>("{}: /model: no card for '{}'; there are: {}", file, calibration.model,
                      fmt::join(library_.card_names(), ", "));
  if (library_.gpu(calibration.gpu)->name != cluster_.gpu().name) return;
  models_[static_cast<std::size_t>(card - library_.cards().data())]->measured().add(calibration,
                                                                                    rank);
  const bool group_free = groups_ == PlatformOptions::Groups::kGroupFree;
  if (calibration.group_setup_s && group_free) setup_ = from_seconds(*calibration.group_setup_s);
  if (calibration.dispatch_s) dispatch_ = from_seconds(*calibration.dispatch_s);
}

void PlatformCosts::use_quadratic(std::shared_ptr<const QuadraticCosts> quadratic,
                                  const PlatformOptions& options) {
  const auto use_for = [&](const ModelCard& card) {
    models_[static_cast<std::size_t>(&card - library_.cards().data())]->use(quadratic,
                                                                            semantics_.has_value());
  };
  if (const ModelCard* card = library_.find_card(quadratic->model())) return use_for(*card);
  // Made-up cost models carry made-up names: they stand for every model of the run.
  const bool all = options.models.empty();
  for (const std::string& name : all ? library_.card_names() : options.models)
    use_for(library_.card(name));
}

ShapeId PlatformCosts::intern(ModelId id, Shape shape, double guidance) {
  RG_CHECK(id.value < models_.size(), "model {} of {}", id.value, models_.size());
  const ModelCosts& costs = model(id);
  if (semantics_ && !costs.quadratic())
    fail<ConfigError>(
        "semantics '{}': its stages have times in quadratic cost models only, and there is none "
        "for {}; give one with --calibration (cost_synth stands for every model)",
        semantics_->name, costs.card().name);
  const int forwards = costs.card().forwards(guidance);
  const auto known = ids_.find({id, shape, forwards});
  if (known != ids_.end()) return known->second;
  if (const std::string rule = costs.card().why_not(shape); !rule.empty())
    fail<ConfigError>("{}x{}, {} frames: {}", shape.width, shape.height, shape.frames, rule);

  ShapeEntry entry{.model = id, .shape = shape, .forwards = forwards, .stages = {}};
  const StageGraph& graph = costs.card().stages;
  for (std::size_t stage = 0; stage < graph.size(); ++stage)
    entry.stages.push_back({.layouts = costs.layouts(stage, forwards, cluster_.largest_node()),
                            .seconds = std::vector<double>(LayoutIndex::kCount, kNotAsked),
                            .rest = {}});
  const std::span<const std::uint8_t> order = graph.topological();
  for (auto at = std::ranges::find(order, graph.denoise()); at != order.end(); ++at)
    entry.stages[*at].rest.resize(kMaxDegree);
  const ShapeId shape_id{static_cast<std::uint32_t>(shapes_.size())};
  shapes_.push_back(std::move(entry));
  ids_.emplace(std::tuple(id, shape, forwards), shape_id);
  return shape_id;
}

// Inline: see core/control_loop.cpp.
inline double PlatformCosts::seconds(ShapeId id, std::size_t stage, Layout layout) const {
  const ShapeEntry& shape = entry(id);
  if (LayoutIndex::covers(layout)) {
    const double known = shape.stages[stage].seconds[LayoutIndex::of(layout)];
    if (!std::isnan(known)) return known;
  }
  return seconds_asked_first(shapes_[id.value], stage, layout);
}

double PlatformCosts::seconds_asked_first(ShapeEntry& entry, std::size_t stage,
                                          Layout layout) const {
  const ModelCosts& costs = model(entry.model);
  const std::string rule = why_not(costs.card(), stage, entry.forwards, layout);
  if (!rule.empty())
    fail<PolicyError>("a prediction was asked for {}: {}", to_string(layout), rule);
  const double time = costs.estimate(stage, entry.shape, entry.forwards, layout).seconds;
  entry.stages[stage].seconds[LayoutIndex::of(layout)] = time;
  return time;
}

Duration PlatformCosts::predict(const Task& task, Layout layout, int steps, int batch) const {
  double one = seconds(task.shape_id, task.stage, layout);
  if (batch > 1) {
    const ShapeEntry& entry = shapes_[task.shape_id.value];
    one *= model(entry.model).batch_factor(task.stage, entry.shape, entry.forwards, layout, batch);
  }
  return from_seconds(one * steps);
}

PlatformCosts::StageTimes PlatformCosts::times_on(ShapeId shape, int gpus) const {
  const ShapeEntry& entry = this->entry(shape);
  StageTimes times{};
  for (std::size_t stage = 0; stage < entry.stages.size(); ++stage)
    times[stage] = seconds(shape, stage, widest(entry.stages[stage].layouts, gpus));
  return times;
}

Duration PlatformCosts::remaining(const Task& task, int gpus) const {
  const std::vector<ShapeEntry::Rest>& rests = entry(task.shape_id).stages[task.stage].rest;
  if (!rests.empty()) {
    const ShapeEntry::Rest& rest = rests[rest_index(gpus)];
    if (!std::isnan(rest.step)) return from_seconds(task.steps_left() * rest.step + rest.later);
  }
  return remaining_asked_first(task, gpus);
}

Duration PlatformCosts::remaining_asked_first(const Task& task, int gpus) const {
  ShapeEntry& entry = shapes_[task.shape_id.value];
  const StageGraph& graph = model(entry.model).card().stages;
  std::vector<ShapeEntry::Rest>& rests = entry.stages[task.stage].rest;
  if (rests.empty()) {
    StageTimes times = times_on(task.shape_id, gpus);
    times[task.stage] *= task.steps_left();
    if (task.stage != graph.denoise()) times[graph.denoise()] *= task.denoise_steps;
    return from_seconds(longest(graph, task.stage, times));
  }
  ShapeEntry::Rest& rest = rests[rest_index(gpus)];
  StageTimes times = times_on(task.shape_id, gpus);
  rest.step = std::exchange(times[task.stage], 0);
  rest.later = longest(graph, task.stage, times);
  return from_seconds(task.steps_left() * rest.step + rest.later);
}

Duration PlatformCosts::standalone(ShapeId id, int steps, int gpus) const {
  const ShapeEntry& shape = entry(id);
  const ModelCard& card = model(shape.model).card();
  std::array<double, StageGraph::kMaxStages> times{};
  for (std::size_t stage = 0; stage < card.stages.size(); ++stage) {
    const std::vector<Layout>& layouts = shape.stages[stage].layouts;
    double fastest = seconds(id, stage, layouts.front());
    for (const Layout layout : layouts)
      if (layout.size() <= gpus) fastest = std::min(fastest, seconds(id, stage, layout));
    times[stage] = fastest * (stage == card.stages.denoise() ? steps : 1);
  }
  double total = 0;
  for (std::size_t stage = 0; stage < card.stages.size(); ++stage)
    total = std::max(total, longest(card.stages, stage, times));
  return from_seconds(total);
}

Duration PlatformCosts::form(const Group& group) {
  const Duration takes = setup(group);
  if (groups_ == PlatformOptions::Groups::kNccl && group.size() > 1) communicators_.use(group);
  return takes;
}

Duration PlatformCosts::setup(const Group& group) const {
  if (group.size() <= 1) return {};
  if (groups_ == PlatformOptions::Groups::kNccl && communicators_.contains(group)) return {};
  return setup_;
}

Migration PlatformCosts::migration(const Task& task, const Group& to) const {
  const ShapeEntry& shape = entry(task.shape_id);
  const ModelCard& card = model(shape.model).card();
  const std::span<const std::uint8_t> order = card.stages.topological();
  const auto position = [&](std::size_t stage) {
    return std::find(order.begin(), order.end(), stage) - order.begin();
  };
  // Denoising needs the embeddings to its end. What it makes is the latents, which those after it
  // need instead; it begins with noise, which every rank draws for itself.
  const auto done = position(task.stage) - position(card.stages.denoise());
  TaskState state;
  if (done <= 0) state.embedding_bytes = card.embedding_bytes(shape.forwards);
  if (done > 0 || (done == 0 && task.steps_done > 0))
    state.latent_bytes = card.latent_bytes(shape.shape);
  const Transfers transfers = models::transfers(
      state, task.group, to, [this](GpuId a, GpuId b) { return cluster_.path(a, b); });
  Migration migration{.bytes = transfers.bytes, .time = from_seconds(transfers.seconds)};
  if (semantics_ && semantics_->reshard_s) {
    const bool moves = !task.group.empty() && task.group != to;
    migration.time = moves ? from_seconds(*semantics_->reshard_s) : Duration{};
  }
  return migration;
}

Duration PlatformCosts::migrate(const Task& task, const Group& to) const {
  return migration(task, to).time;
}

}  // namespace regroup::models
