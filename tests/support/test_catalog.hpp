// A cluster whose costs are plain numbers, for tests of the loop, the backends and the policies.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/catalog.hpp"

namespace regroup::testing {

// One model "m": encode, denoise and decode, each at degree 1, 2, 4 or 8 (encode and decode: 1).
// A denoise step of a shape of width w takes w milliseconds on one GPU, and w / k on k.
class TestCatalog final : public Catalog, public CostModel {
 public:
  explicit TestCatalog(std::vector<int> gpus_per_node, StageGraph graph = StageGraph::chain())
      : graph_(std::move(graph)) {
    std::uint32_t next = 0;
    for (std::size_t n = 0; n < gpus_per_node.size(); ++n) {
      const NodeId node{static_cast<std::uint32_t>(n)};
      nodes_.push_back({node, {next}, gpus_per_node[n]});
      for (int i = 0; i < gpus_per_node[n]; ++i)
        gpus_.push_back({.id = {next++}, .node = node, .memory_free_bytes = std::int64_t{1} << 40});
    }
  }

  Duration encode = std::chrono::milliseconds(10);
  Duration decode = std::chrono::milliseconds(20);
  Duration dispatch_time{};
  Duration setup_time{};
  Duration migrate_time{};
  std::int64_t memory = 0;
  Semantics rules{};

  std::span<const Node> nodes() const override { return nodes_; }
  std::span<const Gpu> gpus() const override { return gpus_; }
  std::optional<ModelId> find_model(std::string_view name) const override {
    return name == name_ ? std::optional(ModelId{0}) : std::nullopt;
  }
  const std::string& model_name(ModelId) const override { return name_; }
  const StageGraph& stages(ModelId) const override { return graph_; }
  ShapeId intern(ModelId, Shape shape, double) override {
    for (std::uint32_t i = 0; i < shapes_.size(); ++i)
      if (shapes_[i] == shape) return {i};
    shapes_.push_back(shape);
    return {static_cast<std::uint32_t>(shapes_.size() - 1)};
  }
  std::span<const Layout> layouts(ShapeId, std::size_t stage) const override {
    static constexpr Layout kAll[] = {{}, {.ulysses = 2}, {.ulysses = 4}, {.ulysses = 8}};
    const bool wide = graph_.stage(stage).kind == StageKind::kDenoise;
    return {kAll, wide ? std::size_t{4} : std::size_t{1}};
  }
  std::string why_not(ShapeId shape, std::size_t stage, Layout layout) const override {
    for (const Layout allowed : layouts(shape, stage))
      if (allowed == layout) return {};
    return "the model cannot have that layout";
  }
  std::int64_t memory_bytes(ShapeId, std::size_t, Layout, int batch) const override {
    return memory * batch;
  }
  const CostModel& cost() const override { return *this; }
  Semantics semantics() const override { return rules; }
  Migration migration(const Task& task, const Group& to) const override {
    if (task.group.empty() || task.group == to) return {};
    return {.bytes = 1000, .time = migrate_time};
  }
  Duration standalone(ShapeId shape, int steps, int gpus) const override {
    return encode + decode + steps * step(shape, gpus);
  }
  Duration form(const Group& group) override {
    const Duration takes = setup(group);
    if (setup_time > Duration{}) formed_.insert(std::vector<GpuId>(group.begin(), group.end()));
    return takes;
  }

  Duration predict(const Task& task, Layout layout, int steps, int batch) const override {
    switch (graph_.stage(task.stage).kind) {
      case StageKind::kEncode:
        return encode * batch;
      case StageKind::kDenoise:
        return steps * batch * step(task.shape_id, layout.size());
      default:
        return decode * batch;
    }
  }
  Duration remaining(const Task& task, int gpus) const override {
    Layout layout;
    for (const Layout allowed : layouts(task.shape_id, task.stage))
      if (allowed.size() <= gpus) layout = allowed;
    Duration total = predict(task, layout, task.steps_left(), 1);
    if (graph_.stage(task.stage).kind != StageKind::kDecode) total += decode;
    return total;
  }
  Duration setup(const Group& group) const override {
    if (group.size() < 2 || setup_time == Duration{}) return {};
    return formed_.contains({group.begin(), group.end()}) ? Duration{} : setup_time;
  }
  Duration migrate(const Task& task, const Group& to) const override {
    return migration(task, to).time;
  }
  Duration dispatch() const override { return dispatch_time; }

 private:
  Duration step(ShapeId shape, int gpus) const {
    return Duration(std::chrono::milliseconds(shapes_[shape.value].width)) / gpus;
  }

  std::string name_ = "m";
  StageGraph graph_;
  std::vector<Node> nodes_;
  std::vector<Gpu> gpus_;
  std::vector<Shape> shapes_;
  std::set<std::vector<GpuId>> formed_;
};

}  // namespace regroup::testing
