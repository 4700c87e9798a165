// The front door of models/: which GPUs there are, which models run on them, and what that costs.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/catalog.hpp"

namespace regroup::models {

class ClusterSpec;

struct PlatformOptions {
  // A short name, [<nodes>x]<GPUs a node>x<kind>: "8xH100", "16x8xL20"; <kind>:<GPUs> for one
  // node: "gfdit:8"; or the path of a cluster file.
  std::string cluster;
  // Models whose weights lie on every GPU all the time. Empty: no weights are subtracted.
  std::vector<std::string> models;
  // Calibration files, or folders of them, read after the built-in ones and preferred to them. A
  // folder of tp*_ulysses*_ring*_cfg*.json files is read as GF-DiT's quadratic cost model; where
  // nothing of that path is there, it may be the name of a built-in one: cost_synth, cost_qwen_h20.
  std::vector<std::filesystem::path> calibrations;
  // kBest: measured where there are measurements, else analytic.
  enum class Costs { kBest, kAnalytic } costs = Costs::kBest;
  // How groups are formed: in microseconds over memory shared once, or a communicator each.
  enum class Groups { kGroupFree, kNccl } groups = Groups::kGroupFree;
  // kNccl: how many communicators are kept; the one not used for longest goes first.
  int nccl_cache_groups = 64;
  // How decisions are carried out: empty: as regroup does; "gfdit": as GF-DiT's simulator; or the
  // path of a file. Any but ours needs a quadratic cost model for every model of the run.
  std::string semantics;
  // Off: weights and activations take no memory.
  bool check_memory = true;
};

// What the control loop and the backends must know of one cluster. One object per run and thread:
// it remembers shapes, predictions and formed groups. The descriptions it reads are shared.
class Platform final : public Catalog {
 public:
  // Throws ConfigError for an unknown GPU, model or key, naming file, key and what is allowed;
  // SystemError for a file that cannot be read.
  explicit Platform(const PlatformOptions& options);
  ~Platform() override;
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;

  std::span<const Node> nodes() const override;
  std::span<const Gpu> gpus() const override;

  // By name or alias, in any case: "Wan2.1-14B" is Wan2.1-T2V-14B.
  std::optional<ModelId> find_model(std::string_view name) const override;
  const std::string& model_name(ModelId model) const override;
  const StageGraph& stages(ModelId model) const override;
  ShapeId intern(ModelId model, Shape shape, double guidance) override;

  std::span<const Layout> layouts(ShapeId shape, std::size_t stage) const override;
  std::string why_not(ShapeId shape, std::size_t stage, Layout layout) const override;
  std::int64_t memory_bytes(ShapeId shape, std::size_t stage, Layout layout,
                            int batch) const override;

  // predict() neither allocates nor searches once it has answered for a (shape, stage, layout).
  const CostModel& cost() const override;
  Semantics semantics() const override;
  Migration migration(const Task& task, const Group& to) const override;
  // On the fastest of the listed layouts that are narrow enough, stage by stage.
  Duration standalone(ShapeId shape, int steps, int gpus) const override;
  Duration form(const Group& group) override;

  // Which source a prediction comes from, and where that was published: "calibrated (...)",
  // "calibrated, scaled (...)", "quadratic (...)", "quadratic, scaled (...)" or "analytic (...)".
  std::string source(ShapeId shape, std::size_t stage, Layout layout) const;
  const ClusterSpec& cluster() const;
  // The names of all model cards, in alphabetical order.
  std::span<const std::string> card_names() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace regroup::models
