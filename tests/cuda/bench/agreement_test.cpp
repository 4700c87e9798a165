// That a request comes out the same on every layout, and that it is noticed if it does not.
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/cuda/bench/step_agreement.hpp"
#include "tests/cuda/dit/tiny_models.hpp"
#include "tests/cuda/support/emulated_machine.hpp"

namespace regroup::cuda {
namespace {

constexpr Shape kImage{32, 32, 1};

std::vector<StepAgreement> agreement_of(Architecture architecture, std::vector<Layout> layouts) {
  ServedModel model;
  model.config = tiny_model(architecture, 2);
  model.shapes.push_back({.pixels = kImage,
                          .guided = true,
                          .latents = dit::latent_shape(model.config, kImage),
                          .layouts = std::move(layouts)});
  NodeOptions options;
  options.models = {model};
  options.states = 8;
  const MemoryPlan plan = plan_node(options, 2, 2);
  const auto machine = emulated_machine(plan.heap);
  CudaNode node(*machine, plan, options);
  return compare_layouts(*machine, node, options.models, 2);
}

TEST(StepAgreement, OfEveryLayoutWithOneRank) {
  for (const Architecture architecture : {Architecture::kJoint, Architecture::kCross}) {
    const auto all = agreement_of(architecture, {layout(1, 1), layout(1, 2), layout(2, 1)});
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].layout, layout(1, 2));
    EXPECT_EQ(all[1].layout, layout(2, 1));
    for (const StepAgreement& each : all) {
      EXPECT_TRUE(each.holds()) << each.error;
      EXPECT_EQ(each.steps, 2);
    }
  }
}

TEST(StepAgreement, DoesNotHoldTooFarAwayOrWithoutNumbers) {
  StepAgreement agreement;
  agreement.error = 0.04;
  EXPECT_FALSE(agreement.holds());
  agreement.error = std::nan("");
  EXPECT_FALSE(agreement.holds());
}

}  // namespace
}  // namespace regroup::cuda
