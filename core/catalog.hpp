// What the control loop must know about models and what they cost; models/ provides it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/stage_graph.hpp"
#include "regroup/policy/cluster_view.hpp"

namespace regroup {

// What differs between runtimes beside their costs.
struct Semantics {
  // A migration occupies the GPUs that the state comes from, too, and waits for them.
  bool sources_take_part = false;
  // With that: so long before a piece of work ends its GPUs take the next one, which begins when it
  // has ended.
  Duration queue_ahead{};
  // Where the policy pins requests (Policy::pinning): what is queued behind work under way needs no
  // dispatch, and nothing needs a migration.
  bool pinned_runs_ahead = false;
};

// What it takes to bring a task's state to another group.
struct Migration {
  std::int64_t bytes = 0;
  Duration time{};  // what CostModel::migrate says
};

// One object per run and thread: forming groups changes it.
class Catalog {
 public:
  virtual ~Catalog() = default;

  // The cluster.
  virtual std::span<const Node> nodes() const = 0;
  virtual std::span<const Gpu> gpus() const = 0;  // idle, with the memory that weights leave free

  // Models by name. nullopt: no such card.
  virtual std::optional<ModelId> find_model(std::string_view name) const = 0;
  virtual const std::string& model_name(ModelId model) const = 0;
  virtual const StageGraph& stages(ModelId model) const = 0;

  // The id of a shape, new or known. Throws ConfigError (naming model and rule) for a shape the
  // model cannot make: not a positive multiple of its patch, a bad frame count.
  virtual ShapeId intern(ModelId model, Shape shape, double guidance) = 0;

  // See Task::layouts.
  virtual std::span<const Layout> layouts(ShapeId shape, std::size_t stage) const = 0;
  // Empty if the model can run that stage in that layout; else the rule that forbids it.
  virtual std::string why_not(ShapeId shape, std::size_t stage, Layout layout) const = 0;
  // Activations, latents and buffers on each GPU of the group, beside the weights.
  virtual std::int64_t memory_bytes(ShapeId shape, std::size_t stage, Layout layout,
                                    int batch) const = 0;

  virtual const CostModel& cost() const = 0;
  virtual Semantics semantics() const { return {}; }
  virtual Migration migration(const Task& task, const Group& to) const = 0;
  // The whole request alone on an idle group of at most that many GPUs, nothing waiting.
  virtual Duration standalone(ShapeId shape, int steps, int gpus) const = 0;

  // Sets a group up. Gives what CostModel::setup said of it, which may be less from now on.
  virtual Duration form(const Group& group) = 0;
};

}  // namespace regroup
