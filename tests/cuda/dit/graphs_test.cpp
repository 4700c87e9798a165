// Steps as CUDA graphs, and the rule that nothing is allocated once they are recorded.
#include <gtest/gtest.h>

#include "core/errors.hpp"
#include "runtime/cuda/gpu/arming.hpp"
#include "runtime/cuda/portable/check.hpp"
#include "tiny_world.hpp"

namespace regroup::cuda {
namespace {

constexpr StepGraphs::Mode kGraphs = StepGraphs::Mode::kGraphs;

struct Armed {
  Armed() { arm(); }
  ~Armed() { disarm(); }
};

TEST(StepGraphs, EqualEagerStepsForEveryGroup) {
  for (const Architecture kind : {Architecture::kJoint, Architecture::kCross}) {
    const TinyModel model(tiny_model(kind, 2));
    const TinyStep step = tiny_step(model.config(), kUneven, 3);
    const std::vector<Layout> layouts{layout(1, 2), layout(2, 2)};
    TinyWorld eager(model, 4, step, layouts);
    TinyWorld recorded(model, 4, step, layouts, kGraphs);
    const StepGraphStats& stats = recorded.rank(0).steps().stats();
    EXPECT_EQ(stats.refusal, "");
    EXPECT_EQ(stats.graphs, stats.programs);
    EXPECT_GT(stats.nodes, static_cast<std::size_t>(stats.graphs) * 20);

    const dit::Matrix pair = eager.step(step, {0, 1}, layout(1, 2));
    EXPECT_EQ(recorded.step(step, {0, 1}, layout(1, 2)), pair);
    EXPECT_EQ(recorded.step(step, {3, 1}, layout(1, 2)), pair);
    EXPECT_EQ(recorded.step(step, {2, 0, 1, 3}, layout(2, 2)),
              eager.step(step, {0, 1, 2, 3}, layout(2, 2)));
  }
}

TEST(StepGraphs, ServeOtherRequestsAndNoiseLevels) {
  const TinyModel model(tiny_model(Architecture::kJoint, 2));
  TinyStep step = tiny_step(model.config(), kEven, 1);
  TinyWorld eager(model, 1, step, {layout(1, 1)});
  TinyWorld recorded(model, 1, step, {layout(1, 1)}, kGraphs);
  const dit::Matrix first = recorded.step(step, {0}, layout(1, 1));
  step = tiny_step(model.config(), kEven, 1, 99);
  step.from = 0.4;
  step.to = 0.1;
  const dit::Matrix second = recorded.step(step, {0}, layout(1, 1));
  EXPECT_NE(first, second);
  EXPECT_EQ(second, eager.step(step, {0}, layout(1, 1)));
}

TEST(StepGraphs, NothingIsAllocatedOnceTheyAreThere) {
  for (const StepGraphs::Mode mode : {kGraphs, StepGraphs::Mode::kEager}) {
    const TinyModel model(tiny_model(Architecture::kCross, 2));
    const TinyStep step = tiny_step(model.config(), kUneven, 3);
    TinyWorld world(model, 2, step, {layout(1, 1), layout(1, 2)}, mode);
    const Armed armed;
    const long before = emulator::counts().created;
    world.step(step, {1}, layout(1, 1));
    world.step(step, {0, 1}, layout(1, 2));
    EXPECT_EQ(emulator::counts().created, before);
    EXPECT_THROW(world.rank(0).steps().add(
                     *model, member_variant(model.config(), step.shape, layout(1, 1), false, 0)),
                 InternalError);
  }
}

TEST(StepGraphs, AStepThatWasNotAddedIsRefused) {
  const TinyModel model(tiny_model(Architecture::kCross, 2));
  const TinyStep step = tiny_step(model.config(), kEven, 1);
  TinyWorld world(model, 1, step, {layout(1, 1)});
  EXPECT_THROW(world.rank(0).steps().program(
                   *model, member_variant(model.config(), step.shape, layout(1, 2), false, 0)),
               InternalError);
}

// Exchanges that a graph cannot hold, as those with events are.
class WaitingExchanges final : public Exchanges {
 public:
  std::byte* staging(int) override { return slot_.data(); }
  void reserve(cudaStream_t, int) override {}
  void exchange(cudaStream_t stream, const Exchange&) override {
    check(cudaStreamSynchronize(stream), "waiting for a stream");
  }

 private:
  DeviceBuffer slot_{std::size_t{1} << 20, "a slot"};
};

TEST(StepGraphs, WithoutAGraphAStepRunsEagerly) {
  const TinyModel model(tiny_model(Architecture::kJoint, 2));
  const TinyStep step = tiny_step(model.config(), kEven, 1);
  MeetingPoint nobody;
  TinyRank rank(nobody, 0, 1, 1, kGraphs);
  const StepVariant variant = member_variant(model.config(), step.shape, layout(1, 2), false, 0);
  const DeviceBuffer memory(step_buffer_bytes(model.config(), variant), "a step");
  WaitingExchanges exchanges;
  StepGraphs steps(
      {&rank.math, &exchanges, rank.parameters.as<StepParameters>(), memory.data(), memory.bytes()},
      rank.stream.get(), kGraphs);
  steps.add(*model, variant);
  EXPECT_EQ(steps.stats().programs, 1);
  EXPECT_EQ(steps.stats().graphs, 0);
  EXPECT_NE(steps.stats().refusal.find("waiting for a stream"), std::string::npos);

  check(cudaMemset(memory.data(), 0, memory.bytes()), "clearing");
  store_parameters(rank.stream.get(), parameters_of(model.config(), step, layout(1, 2), {0, 1}, 0),
                   rank.parameters.as<StepParameters>());
  const long kernels = emulator::counts().kernels;
  steps.run(*model, variant);
  rank.stream.synchronize("a step");
  EXPECT_GT(emulator::counts().kernels, kernels);
}

}  // namespace
}  // namespace regroup::cuda
