// Plays hand-made runs to observers, with the bookkeeping of outcomes that the control loop does.
#pragma once

#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/catalog.hpp"
#include "core/names.hpp"
#include "core/observer.hpp"
#include "tests/support/temp_dir.hpp"

namespace regroup::script {

constexpr TimePoint us(std::int64_t microseconds) {
  return TimePoint(std::chrono::microseconds(microseconds));
}

// Microseconds of a run, in the order in which they pass.
struct Parts {
  std::int64_t dispatch = 0, setup = 0, migrate = 0, compute = 0;
};

// One model, "flux", and nodes of two GPUs each. What observers do not ask for is not answered.
class FakeCatalog final : public Catalog {
 public:
  explicit FakeCatalog(int nodes);

  std::span<const Node> nodes() const override { return nodes_; }
  std::span<const Gpu> gpus() const override { return gpus_; }
  const std::string& model_name(ModelId) const override { return model_; }
  const StageGraph& stages(ModelId) const override { return stages_; }

  std::optional<ModelId> find_model(std::string_view) const override { throw std::logic_error(""); }
  ShapeId intern(ModelId, Shape, double) override { throw std::logic_error(""); }
  std::span<const Layout> layouts(ShapeId, std::size_t) const override { return {}; }
  std::string why_not(ShapeId, std::size_t, Layout) const override { return {}; }
  std::int64_t memory_bytes(ShapeId, std::size_t, Layout, int) const override { return 0; }
  const CostModel& cost() const override { throw std::logic_error(""); }
  Migration migration(const Task&, const Group&) const override { return {}; }
  Duration standalone(ShapeId, int, int) const override { return {}; }
  Duration form(const Group&) override { return {}; }

 private:
  std::string model_ = "flux";
  StageGraph stages_ = StageGraph::chain();
  std::vector<Node> nodes_;
  std::vector<Gpu> gpus_;
};

class Script {
 public:
  explicit Script(int nodes = 2) : catalog(nodes) {}

  FakeCatalog catalog;
  NameTable<ClassId> classes;
  std::vector<Observer*> observers;

  // Everything happens at this instant until it is changed.
  TimePoint now{};

  RequestId arrive(const std::string& label, const std::string& class_name, int steps,
                   TimePoint deadline = kNever);
  // A batch of one stage (0 encode, 1 denoise, 2 decode).
  RunId launch(const std::vector<RequestId>& requests, std::uint8_t stage, const Group& group,
               Layout layout, std::int64_t migrated_bytes = 0);
  void preempt(RunId run);
  // At the instant that the parts add up to from the launch on.
  void end(RunId run, int steps, Parts parts, bool setup_needed = false, bool failed = false);
  void end_request(RequestId request, RequestOutcome::End how = RequestOutcome::End::kFinished);
  void instant(std::size_t ready);
  void finish();

  std::size_t live_runs() const { return runs_.size(); }

 private:
  struct Live {
    Request request;
    RequestOutcome outcome;
    int steps_done = 0;
    Group group;
  };
  struct Run {
    std::vector<Task> tasks;
    Group group;
    Layout layout;
    TimePoint launched;
    bool preempted = false;
  };

  std::map<RequestId, Live> live_;
  std::map<RunId, Run> runs_;
  std::uint64_t next_request_ = 0, next_run_ = 0;
};

// A run in which every kind of thing happens once:
//   a,1  small  encoded, denoised on two GPUs, preempted, moved to another node, decoded: in time
//   b    large  rejected
//   c    small  unfinished
//   d    large  denoised on four GPUs: too late
void play_story(Script& script);

// A valid run of that many requests, made of random ones: stages in turn, batches, groups on free
// GPUs only, preemptions, rejections, failed runs.
void play_random(Script& script, std::uint64_t seed, int requests);

using testing::TempDir;

}  // namespace regroup::script
