// That everything is measured that was asked for; how long it takes is the machine's affair.
#include <gtest/gtest.h>

#include "runtime/cuda/bench/exchange_times.hpp"
#include "runtime/cuda/bench/step_times.hpp"
#include "runtime/cuda/dit/flops.hpp"
#include "tests/cuda/dit/tiny_models.hpp"
#include "tests/cuda/support/emulated_machine.hpp"

namespace regroup::cuda {
namespace {

constexpr Shape kImage{32, 32, 1};

TEST(StepTimes, OfEveryModelShapeAndLayoutAloneAndBusy) {
  ServedModel model;
  model.config = tiny_model(Architecture::kJoint, 2);
  model.shapes.push_back({.pixels = kImage,
                          .guided = true,
                          .latents = dit::latent_shape(model.config, kImage),
                          .layouts = {layout(1, 1), layout(2, 1)}});
  NodeOptions options;
  options.models = {model};
  options.states = 8;
  const MemoryPlan plan = plan_node(options, 2, 2);
  const auto machine = emulated_machine(plan.heap);
  CudaNode node(*machine, plan, options);
  for (const bool busy : {false, true}) {
    const auto times =
        measure_step_times(*machine, node, options.models, {.steps = 2, .busy = busy});
    ASSERT_EQ(times.size(), 2u);
    EXPECT_EQ(times[0].layout, layout(1, 1));
    EXPECT_EQ(times[0].groups, busy ? 2 : 1);
    EXPECT_EQ(times[0].seconds.size(), busy ? 4u : 2u);
    EXPECT_EQ(times[1].groups, 1);
    EXPECT_GT(times[1].median_s(), 0);
    EXPECT_EQ(times[1].flops, step_flops(model.config, model.shapes[0].latents, true).total());
  }
}

TEST(ExchangeTimes, OfEveryKindDegreeAndSize) {
  using collectives::HeapLayout;
  const HeapLayout heap{.world = 3,
                        .slot_bytes = HeapLayout::round_up(8192),
                        .window_bytes = HeapLayout::round_up(8192)};
  const auto machine = emulated_machine(heap);
  std::vector<DeviceBuffer> ledgers;
  std::vector<DeviceRank*> ranks;
  for (int rank = 0; rank < heap.world; ++rank) {
    ledgers.emplace_back(sizeof(DeviceRank), "counters");
    ranks.push_back(ledgers.back().as<DeviceRank>());
  }
  DeviceWorld world(machine->heap(), ranks, {});
  const auto times = measure_exchanges(*machine, world,
                                       {.degrees = {2, 3, 4}, .bytes = {4096, 8192}, .samples = 3});
  std::vector<std::string> seen;
  for (const ExchangeTime& time : times) {
    EXPECT_GT(time.median_s, 0) << time.what;
    EXPECT_GE(time.p99_s, time.median_s) << time.what;
    seen.push_back(time.what + " " + std::to_string(time.degree) + " " +
                   std::to_string(time.bytes));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"barrier 2 0", "all-to-all 2 4096", "all-to-all 2 8192",
                                            "barrier 3 0", "all-to-all 3 4096", "all-to-all 3 8192",
                                            "put 2 4096", "put 2 8192", "launch 1 0",
                                            "graph of 100 kernels 1 0"}));
}

}  // namespace
}  // namespace regroup::cuda
