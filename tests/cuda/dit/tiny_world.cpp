#include "tiny_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

void copy(void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "copying a test's numbers");
}

collectives::RankGroup group_of(const std::vector<int>& ranks, int first, int step, int count) {
  collectives::RankGroup group;
  group.size = static_cast<std::uint8_t>(count);
  for (int i = 0; i < count; ++i)
    group.ranks[i] = static_cast<std::uint8_t>(ranks[static_cast<std::size_t>(first + i * step)]);
  return group;
}

std::vector<dit::LatentShape> both_shapes(const dit::DitConfig& config) {
  return {dit::latent_shape(config, kEven), dit::latent_shape(config, kUneven)};
}

}  // namespace

TinyModel::TinyModel(const dit::DitConfig& config)
    : memory_(DeviceModel::bytes(config, both_shapes(config)), "a model") {
  model_.emplace(config, both_shapes(config), memory_.data());
  const Stream stream;
  model_->fill_seeded(stream.get(), kWeightSeed);
  stream.synchronize("filling a model");
}

TinyRank::TinyRank(MeetingPoint& point, int number, std::size_t memory_bytes,
                   std::size_t slot_bytes, StepGraphs::Mode mode)
    : rank(number),
      memory(memory_bytes, "a step"),
      parameters(sizeof(StepParameters), "parameters"),
      exchanges(point, number, slot_bytes, parameters.as<StepParameters>()),
      steps_({&math, &exchanges, parameters.as<StepParameters>(), memory.data(), memory.bytes()},
             stream.get(), mode) {}

void give(const TinyStep& step, Layout layout, int member, const StepProgram& program) {
  const StepState& state = program.state();
  for (int pass = 0; pass < program.variant().passes(); ++pass) {
    const dit::Prompt& prompt = prompt_of(layout, member, pass) == 0 ? step.prompt : step.negative;
    std::vector<Bf16> text;
    for (const float value : prompt.text.values) text.push_back(to_bf16(value));
    copy(state.text[pass], text.data(), text.size() * sizeof(Bf16));
    if (state.pooled[pass] != nullptr)
      copy(state.pooled[pass], prompt.pooled.data(), prompt.pooled.size() * sizeof(float));
  }
  copy(state.latents.data, step.latents.values.data(), step.latents.values.size() * sizeof(float));
}

dit::Matrix take(FloatRows rows) {
  dit::Matrix matrix(static_cast<std::size_t>(rows.rows), static_cast<std::size_t>(rows.cols));
  copy(matrix.values.data(), rows.data, matrix.values.size() * sizeof(float));
  return matrix;
}

StepParameters parameters_of(const dit::DitConfig& config, const TinyStep& step, Layout layout,
                             const std::vector<int>& group, int member) {
  StepParameters told = member_parameters(config, step.shape, layout, member);
  const int ulysses = layout.ulysses;
  told.branch = group_of(group, member / ulysses * ulysses, 1, ulysses);
  told.pair = group_of(group, member % ulysses, ulysses, layout.cfg);
  told.all = group_of(group, 0, 1, layout.size());
  told.sigma = step.from;
  told.sampler.guidance = static_cast<float>(step.guidance);
  told.sampler.distance = static_cast<float>(step.to - step.from);
  return told;
}

void TinyRank::start(const TinyModel& model, const TinyStep& step, const std::vector<int>& group,
                     Layout layout, int member) {
  check(cudaMemset(memory.data(), 0xff, memory.bytes()), "poisoning a step's memory");
  const StepVariant variant =
      member_variant(model.config(), step.shape, layout, step.guided(), member);
  const StepProgram& program = steps_.program(*model, variant);
  give(step, layout, member, program);
  latents_ = program.state().latents;

  const StepParameters told = parameters_of(model.config(), step, layout, group, member);
  store_parameters(stream.get(), told, parameters.as<StepParameters>());
  steps_.run(*model, variant);
}

dit::Matrix TinyRank::finish() {
  stream.synchronize("a step");
  return take(latents_);
}

TinyWorld::TinyWorld(const TinyModel& model, int ranks, const TinyStep& step,
                     const std::vector<Layout>& layouts, StepGraphs::Mode mode)
    : model_(model) {
  std::vector<StepVariant> variants;
  std::uint64_t memory_bytes = 0, slot_bytes = 1;
  for (const Layout layout : layouts)
    for (const StepVariant& variant :
         step_variants(model.config(), step.shape, layout, step.guided())) {
      variants.push_back(variant);
      memory_bytes = std::max(memory_bytes, step_buffer_bytes(model.config(), variant));
      slot_bytes = std::max(slot_bytes, staging_bytes(model.config(), variant));
    }
  for (int r = 0; r < ranks; ++r) {
    TinyRank& rank = ranks_.emplace_back(point_, r, memory_bytes, slot_bytes, mode);
    for (const StepVariant& variant : variants) rank.steps().add(*model, variant);
  }
}

dit::Matrix TinyWorld::step(const TinyStep& step, const std::vector<int>& group, Layout layout) {
  for (std::size_t i = 0; i < group.size(); ++i)
    rank(group[i]).start(model_, step, group, layout, static_cast<int>(i));
  const dit::Matrix latents = rank(group[0]).finish();
  for (std::size_t i = 1; i < group.size(); ++i)
    EXPECT_EQ(rank(group[i]).finish(), latents) << "member " << i;
  return latents;
}

}  // namespace regroup::cuda
