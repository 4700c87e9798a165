// Memory and arithmetic of the published models, against numbers worked out by hand.
#include "runtime/cuda/dit/memory_plan.hpp"

#include <gtest/gtest.h>

#include "core/errors.hpp"
#include "published_models.hpp"
#include "runtime/cuda/dit/flops.hpp"
#include "runtime/cuda/dit/request_state.hpp"
#include "runtime/cuda/dit/step_buffers.hpp"
#include "runtime/cuda/dit/tensors.hpp"
#include "tiny_models.hpp"

namespace regroup::cuda {
namespace {

constexpr std::uint64_t kMi = std::uint64_t{1} << 20;
constexpr std::uint64_t kGi = std::uint64_t{1} << 30;
constexpr Shape k1024{1024, 1024, 1};

PlannedModel flux(std::vector<Shape> shapes, std::vector<int> degrees) {
  PlannedModel model{kFlux, std::move(shapes), {}, false};
  for (const int degree : degrees) model.layouts.push_back(layout(1, degree));
  return model;
}

// Without biases, gains and ends: 19 (2 (6 + 4 + 8)) h^2 + 38 (3 + 4 + 8) h^2 = 1254 h^2.
TEST(Weights, AreAsManyAsPublished) {
  const double square = 3072.0 * 3072.0;
  const auto parameters = static_cast<double>(weight_bytes(kFlux)) / 2;
  EXPECT_NEAR(parameters, 1254 * square, 0.01 * parameters);
  EXPECT_NEAR(parameters, 11.9e9, 0.1e9);  // the model's card: 12 billion
  EXPECT_NEAR(static_cast<double>(weight_bytes(kWan)) / 2, 1.42e9, 0.03e9);
}

// 4096 latent tokens and 512 of text, each of 3072 numbers.
TEST(StepMemory, OfFluxAlone) {
  const dit::LatentShape shape = dit::latent_shape(kFlux, k1024);
  const StepVariant alone = member_variant(kFlux, shape, layout(1, 1), false, 0);
  const std::uint64_t row = 4608 * 3072 * 2;  // one number a token and column in bf16: 27 MiB
  EXPECT_EQ(row, 27 * kMi);
  const std::uint64_t big = (1 + 1 + 5 + 1 + 1 + 3) * row;  // x, normed, wide, attended, projected,
                                                            // heads
  const std::uint64_t state = 512 * 4096 * 2 + 4096 * 4 + 4096 * 64 * 4;
  const std::uint64_t own = 512 * 4096 * 2 + 4096 * 64 * 2;
  const std::uint64_t vectors = (256 + (1 + 1 + 1 + 6 + 6 + 2) * 3072) * 4;
  const std::uint64_t velocity = 4096 * 64 * 4;
  EXPECT_EQ(step_buffer_bytes(kFlux, alone), big + state + own + vectors + velocity);
  EXPECT_EQ(state_layout(kFlux, shape).end, state);
  EXPECT_EQ(staging_bytes(kFlux, alone), 0);
}

TEST(StepMemory, OfFluxSharedOut) {
  const dit::LatentShape shape = dit::latent_shape(kFlux, k1024);
  for (const int degree : {2, 4, 8}) {
    const std::vector<StepVariant> variants = step_variants(kFlux, shape, layout(1, degree), false);
    ASSERT_EQ(variants.size(), 1) << "512 and 4096 divide by " << degree;
    EXPECT_EQ(staging_bytes(kFlux, variants[0]), 3 * 27 * kMi / degree);
  }
  EXPECT_EQ(step_variants(kFlux, shape, layout(1, 3), false).size(), 3);  // 171 or 170 + 1366, 1365
}

// What members of any position have is never more than what is planned for.
TEST(StepMemory, TheFirstVariantIsTheLargest) {
  for (const dit::DitConfig& config : {kFlux, kWan})
    for (const int degree : {2, 3, 4, 6}) {
      const dit::LatentShape shape = dit::latent_shape(config, {496, 512, 1});
      const std::vector<StepVariant> all = step_variants(config, shape, layout(1, degree), false);
      for (const StepVariant& variant : all) {
        EXPECT_LE(step_buffer_bytes(config, variant), step_buffer_bytes(config, all[0]));
        EXPECT_LE(staging_bytes(config, variant), staging_bytes(config, all[0]));
      }
    }
}

TEST(MemoryPlan, AddsUp) {
  MemoryDemand demand;
  demand.models = {flux({{512, 512, 1}, k1024}, {1, 2, 4, 8})};
  demand.ranks = demand.ranks_per_gpu = 8;
  const MemoryPlan plan = plan_memory(demand);
  const dit::LatentShape shape = dit::latent_shape(kFlux, k1024);
  EXPECT_EQ(plan.step_bytes,
            step_buffer_bytes(kFlux, member_variant(kFlux, shape, layout(1, 1), false, 0)));
  EXPECT_EQ(plan.heap.slot_bytes, 3 * 27 * kMi / 2);
  EXPECT_GE(plan.heap.window_bytes, 8 * plan.state_bytes);
  // 8 ranks in steps of 2 MiB, of which the pad takes one at most.
  const std::uint64_t heap = 8 * (4 * plan.heap.slot_bytes + plan.heap.window_bytes);
  const std::uint64_t known = plan.model_bytes[0] +
                              8 * (plan.step_bytes + plan.workspace_bytes + 8 * plan.state_bytes) +
                              heap + kCudaReserveBytes;
  EXPECT_GE(plan.gpu_bytes(), known);
  EXPECT_LE(plan.gpu_bytes(), known + 8 * 2 * 2 * kMi);
  EXPECT_GE(plan.model_bytes[0], weight_bytes(kFlux));
}

TEST(MemoryPlan, OneRankAGpuHasItsOwnWeights) {
  MemoryDemand demand;
  demand.models = {flux({k1024}, {1, 2})};
  demand.ranks = 8;
  const MemoryPlan apart = plan_memory(demand);
  demand.ranks_per_gpu = 8;
  const MemoryPlan together = plan_memory(demand);
  EXPECT_EQ(apart.parts[0].bytes, together.parts[0].bytes);
  EXPECT_EQ(8 * apart.parts[1].bytes, together.parts[1].bytes);
  EXPECT_LT(apart.gpu_bytes(), together.gpu_bytes());
}

TEST(MemoryPlan, SaysWhatItNeeds) {
  MemoryDemand demand;
  demand.models = {flux({{512, 512, 1}, k1024}, {1, 2, 4, 8}),
                   {kWan, {{832, 480, 81}}, {layout(1, 2), layout(2, 2)}, true}};
  demand.ranks = demand.ranks_per_gpu = 8;
  const MemoryPlan plan = plan_memory(demand);
  const std::string words = sentence(plan, 80 * kGi);
  EXPECT_EQ(words.find("FLUX.1-dev at 512x512, 1024x1024 and Wan2.1-T2V-1.3B at 832x480x81 on 8 "
                       "ranks, 8 on each GPU, need "),
            0)
      << words;
  EXPECT_NE(words.find(" GiB of 80.0 GiB"), std::string::npos) << words;
  EXPECT_NO_THROW(require_fits(plan, plan.gpu_bytes()));
  const std::string lines = table(plan);
  for (const MemoryPlan::Part& part : plan.parts)
    EXPECT_NE(lines.find(part.what), std::string::npos) << lines;
  RecordProperty("table", lines);
}

TEST(MemoryPlan, NamesWhatIsLargestIfItDoesNotFit) {
  MemoryDemand demand;
  demand.models = {flux({k1024}, {1})};
  const MemoryPlan plan = plan_memory(demand);
  try {
    require_fits(plan, 20 * kGi);
    FAIL() << "24 GB fit into 20 GiB";
  } catch (const ConfigError& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find("of 20.0 GiB; the largest parts: weights of FLUX.1-dev 22."),
              std::string::npos)
        << what;
  }
}

TEST(MemoryPlan, RefusesWhatAModelCannotDo) {
  MemoryDemand demand;
  EXPECT_THROW(plan_memory(demand), ConfigError);
  demand.models = {flux({k1024}, {5})};
  EXPECT_THROW(plan_memory(demand), ConfigError);
  demand.models = {flux({{1000, 1024, 1}}, {1})};
  EXPECT_THROW(plan_memory(demand), ConfigError);
  demand.models = {flux({k1024}, {})};
  EXPECT_THROW(plan_memory(demand), ConfigError);
}

// A token passes 12 h^2 weights in every block, twice as many operations; attention is
// 4 4608^2 3072 a block.
TEST(StepFlops, OfFlux) {
  const StepFlops flops = step_flops(kFlux, dit::latent_shape(kFlux, k1024), false);
  const double square = 3072.0 * 3072.0;
  EXPECT_NEAR(flops.products, 57 * 2 * 4608 * 12 * square, 0.01 * flops.products);
  EXPECT_DOUBLE_EQ(flops.attention, 57 * 4 * 4608.0 * 4608.0 * 3072.0);
  EXPECT_NEAR(flops.total(), 74.5e12, 0.5e12);
}

TEST(StepFlops, OfWan) {
  const dit::LatentShape shape = dit::latent_shape(kWan, {832, 480, 81});
  ASSERT_EQ(shape.tokens(), 32760);
  const StepFlops once = step_flops(kWan, shape, false);
  EXPECT_DOUBLE_EQ(once.attention, 30 * 4 * 32760.0 * (32760.0 + 512) * 1536);
  // 4 h^2 + 2 h 8960 and, to the text, 2 h^2 a token.
  const double token = 6 * 1536.0 * 1536.0 + 2 * 1536.0 * 8960.0;
  EXPECT_NEAR(once.products, 30 * 2 * 32760 * token, 0.02 * once.products);
  EXPECT_DOUBLE_EQ(step_flops(kWan, shape, true).total(), 2 * once.total());
}

}  // namespace
}  // namespace regroup::cuda
