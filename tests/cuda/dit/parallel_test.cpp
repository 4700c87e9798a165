// A step gives the numbers of runtime/dit, on one rank or shared out among several.
#include <gtest/gtest.h>

#include "runtime/cuda/dit/serial_members.hpp"
#include "runtime/dit/serial_shards.hpp"
#include "tiny_world.hpp"

namespace regroup::cuda {
namespace {

// bf16 has 8 bits: each number is rounded by 2^-9 at most, and errors of many numbers half cancel.
constexpr double kTolerance = 1e-2;

class ParallelTest : public ::testing::TestWithParam<Architecture> {
 protected:
  static dit::DitConfig config(std::size_t heads) { return tiny_model(GetParam(), heads); }

  static dit::Matrix on_cpu(const dit::DitConfig& config, const TinyStep& step) {
    SeededDeviceWeights weights(kWeightSeed);
    const dit::Dit model(config, weights);
    dit::SerialShards run(model, step.shape, step.latents, layout(1, 1));
    run.step({step.shape, &step.prompt, &step.negative, step.guidance, step.from, step.to});
    return run.latents();
  }

  static double velocity_error(const TinyStep& step, const dit::Matrix& after,
                               const dit::Matrix& expected) {
    return relative_error(velocity(step, after), velocity(step, expected));
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, ParallelTest,
                         ::testing::Values(Architecture::kJoint, Architecture::kCross),
                         [](const auto& kind) {
                           return kind.param == Architecture::kJoint ? "Joint" : "Cross";
                         });

TEST_P(ParallelTest, AStepIsThatOfTheCpu) {
  // Guidance multiplies what the two passes differ by, and with it what they are wrong by.
  for (const double guidance : {1.0, 1.5}) {
    const TinyModel model(config(2));
    const TinyStep step = tiny_step(model.config(), kUneven, guidance);
    TinyWorld world(model, 1, step, {layout(1, 1)});
    const dit::Matrix after = world.step(step, {0}, layout(1, 1));
    EXPECT_LT(velocity_error(step, after, on_cpu(model.config(), step)), kTolerance) << guidance;
  }
}

TEST_P(ParallelTest, EveryDegreeGivesNearlyTheSame) {
  for (const auto& [degree, pixels] :
       {std::pair{2, kUneven}, std::pair{3, kUneven}, std::pair{4, kEven}}) {
    const TinyModel model(config(static_cast<std::size_t>(degree)));
    const TinyStep step = tiny_step(model.config(), pixels, 1);
    TinyWorld world(model, degree, step, {layout(1, 1), layout(1, degree)});
    std::vector<int> group;
    for (int r = 0; r < degree; ++r) group.push_back(r);
    const dit::Matrix alone = world.step(step, {0}, layout(1, 1));
    const dit::Matrix shared = world.step(step, group, layout(1, degree));
    EXPECT_LT(velocity_error(step, shared, alone), kTolerance) << degree;
  }
}

// The same kernels on the same numbers, with copies for exchanges: not a bit may differ.
TEST_P(ParallelTest, RanksEqualTheirProgramsInTurn) {
  for (const auto& [shape, guidance, among] :
       {std::tuple{kUneven, 1.0, layout(1, 3)}, std::tuple{kEven, 3.0, layout(2, 2)}}) {
    const TinyModel model(config(among.ulysses));
    const TinyStep step = tiny_step(model.config(), shape, guidance);
    TinyWorld world(model, 4, step, {among});
    std::vector<int> group;
    for (int r = 0; r < among.size(); ++r) group.push_back(r);
    const dit::Matrix parallel = world.step(step, group, among);

    MeetingPoint nobody;
    std::deque<TinyRank> ranks;
    std::deque<DeviceBuffer> slots;
    std::deque<StagingOnly> staging;
    std::deque<StepProgram> programs;
    std::vector<SerialMember> members;
    const Stream stream;
    for (int m = 0; m < among.size(); ++m) {
      const StepVariant variant =
          member_variant(model.config(), step.shape, among, step.guided(), m);
      const std::uint64_t slot_bytes = (staging_bytes(model.config(), variant) + 255) / 256 * 256;
      TinyRank& rank = ranks.emplace_back(nobody, m, step_buffer_bytes(model.config(), variant), 1,
                                          StepGraphs::Mode::kEager);
      slots.emplace_back(slot_bytes * collectives::kStagingSlots, "slots");
      staging.emplace_back(slots.back().data(), slot_bytes);
      programs.emplace_back(
          *model, variant,
          RankResources{&rank.math, &staging.back(), rank.parameters.as<StepParameters>(),
                        rank.memory.data(), rank.memory.bytes()});
      give(step, among, m, programs.back());
      store_parameters(stream.get(), parameters_of(model.config(), step, among, group, m),
                       rank.parameters.as<StepParameters>());
      members.push_back({&programs.back(), &staging.back()});
    }
    run_serially(among, members, stream.get());
    stream.synchronize("members in turn");
    for (const StepProgram& program : programs) EXPECT_EQ(take(program.state().latents), parallel);
  }
}

TEST_P(ParallelTest, AnotherGroupAtEveryStepGivesTheSameBits) {
  const TinyModel model(config(2));
  TinyStep fixed = tiny_step(model.config(), kUneven, 1);
  TinyStep changing = fixed;
  TinyWorld world(model, 4, fixed, {layout(1, 2)});
  const dit::Matrix start = fixed.latents;
  for (const std::vector<int>& group : {std::vector{3, 0}, std::vector{1, 2}, std::vector{2, 3}}) {
    fixed.latents = world.step(fixed, {0, 1}, layout(1, 2));
    changing.latents = world.step(changing, group, layout(1, 2));
    EXPECT_EQ(changing.latents, fixed.latents);
  }
  EXPECT_NE(fixed.latents, start);
}

// Both branches make the same sums, beside each other or one after the other.
TEST_P(ParallelTest, GuidanceOnTwoBranchesEqualsGuidanceInTurn) {
  const TinyModel model(config(2));
  const TinyStep step = tiny_step(model.config(), kUneven, 3);
  TinyWorld world(model, 4, step, {layout(1, 1), layout(2, 1), layout(1, 2), layout(2, 2)});
  EXPECT_EQ(world.step(step, {1, 0}, layout(2, 1)), world.step(step, {0}, layout(1, 1)));
  EXPECT_EQ(world.step(step, {0, 1, 2, 3}, layout(2, 2)), world.step(step, {0, 1}, layout(1, 2)));
}

}  // namespace
}  // namespace regroup::cuda
