// Small worlds whose best schedule can be found by trying all of them.
#pragma once

#include <string>
#include <vector>

#include "core/catalog.hpp"
#include "core/request.hpp"

namespace regroup::testing {

// What one shape takes, in time slots; degree d is entry d - 1, and 0 where it cannot be.
struct SlotCosts {
  int encode = 1;               // on one GPU
  std::vector<int> step = {1};  // one denoising step
  int decode = 1;               // on one GPU
  // A step of a batch of b takes b times as long where this is off, and as long as one where it is
  // on. The best that batches can do, so bounds have to reckon with it.
  bool free_batches = false;
};

inline constexpr Duration kSlot = std::chrono::seconds(1);
inline TimePoint slot(int t) { return TimePoint(t * kSlot); }

inline StageGraph only_denoise() {
  return StageGraph({{"denoise", StageKind::kDenoise}}, std::vector<StageGraph::Edge>{});
}

// One model. Shape i costs what the i-th entry says.
class SlotCatalog final : public Catalog, public CostModel {
 public:
  SlotCatalog(int gpus, std::vector<SlotCosts> shapes, StageGraph graph = StageGraph::chain())
      : shapes_(std::move(shapes)), graph_(std::move(graph)), node_{{}, {}, gpus} {
    for (int i = 0; i < gpus; ++i)
      gpus_.push_back({.id = {static_cast<std::uint32_t>(i)}, .memory_free_bytes = 1});
  }

  const SlotCosts& costs(ShapeId shape) const { return shapes_.at(shape.value); }
  // Slots for one step of the stage; 0: it cannot run so wide.
  int slots(ShapeId shape, std::size_t stage, int degree, int batch) const {
    const SlotCosts& c = costs(shape);
    if (graph_.stage(stage).kind == StageKind::kEncode) return degree == 1 ? c.encode * batch : 0;
    if (graph_.stage(stage).kind == StageKind::kDecode) return degree == 1 ? c.decode * batch : 0;
    if (degree > static_cast<int>(c.step.size())) return 0;
    return c.step[static_cast<std::size_t>(degree - 1)] * (c.free_batches ? 1 : batch);
  }

  std::span<const Node> nodes() const override { return {&node_, 1}; }
  std::span<const Gpu> gpus() const override { return gpus_; }
  std::optional<ModelId> find_model(std::string_view) const override { return ModelId{}; }
  const std::string& model_name(ModelId) const override { return name_; }
  const StageGraph& stages(ModelId) const override { return graph_; }
  ShapeId intern(ModelId, Shape, double) override { return {}; }
  std::span<const Layout> layouts(ShapeId, std::size_t) const override {
    static constexpr Layout kOne[] = {{}};
    return kOne;  // the others may be placed, too
  }
  std::string why_not(ShapeId shape, std::size_t stage, Layout layout) const override {
    const bool plain = layout.cfg == 1 && layout.ring == 1 && layout.tp == 1;
    return plain && slots(shape, stage, layout.size(), 1) > 0 ? "" : "no such layout";
  }
  std::int64_t memory_bytes(ShapeId, std::size_t, Layout, int) const override { return 0; }
  const CostModel& cost() const override { return *this; }
  Migration migration(const Task&, const Group&) const override { return {}; }
  Duration standalone(ShapeId, int, int) const override { return {}; }
  Duration form(const Group&) override { return {}; }

  Duration predict(const Task& task, Layout layout, int steps, int batch) const override {
    return kSlot * slots(task.shape_id, task.stage, layout.size(), batch) * steps;
  }
  Duration remaining(const Task&, int) const override { return {}; }
  Duration setup(const Group&) const override { return {}; }
  Duration migrate(const Task&, const Group&) const override { return {}; }
  Duration dispatch() const override { return {}; }

 private:
  std::vector<SlotCosts> shapes_;
  StageGraph graph_;
  std::string name_ = "m";
  Node node_;
  std::vector<Gpu> gpus_;
};

inline Request request(std::uint64_t id, std::uint32_t shape, int arrival, int deadline,
                       int steps = 1) {
  Request made;
  made.id = {id};
  made.arrival = slot(arrival);
  made.shape_id = {shape};
  made.steps = steps;
  made.deadline = slot(deadline);
  return made;
}

// The most of the requests that any schedule finishes in time, by search over all schedules of a
// system at least as powerful as the simulator. Times are whole slots there too, so what a GPU does
// changes between slots only. In each slot every request whose stage may run gets any number of
// GPUs, alone or in a batch with others of its shape and stage, and does its share of the stage:
// preemption and migration are free, at any moment, and steps need not end where a layout changes.
int best_attained(const SlotCatalog& catalog, const std::vector<Request>& requests);

}  // namespace regroup::testing
