// A request must not notice on how many ranks, and on which, its steps run.
#include <gtest/gtest.h>

#include <limits>

#include "core/errors.hpp"
#include "core/random.hpp"
#include "runtime/dit/serial_shards.hpp"
#include "runtime/dit/text_encoder.hpp"
#include "thread_group.hpp"

namespace regroup::dit {
namespace {

Layout layout(int cfg, int ulysses) {
  return {.cfg = static_cast<std::uint8_t>(cfg), .ulysses = static_cast<std::uint8_t>(ulysses)};
}

// Of the presets, one block of each kind and a second of the last.
DitConfig short_preset(const char* name) {
  DitConfig config = preset(name);
  if (config.architecture == DitConfig::Architecture::kJoint) {
    config.double_blocks = 1;
    config.single_blocks = 2;
  } else {
    config.blocks = 2;
  }
  return config;
}

class ParallelTest : public ::testing::TestWithParam<const char*> {
 protected:
  static constexpr std::size_t kSteps = 3;

  Step step(std::size_t i, double guidance) const {
    return {shape_, &prompt_, &negative_, guidance, sigmas_[i], sigmas_[i + 1]};
  }

  // All steps on one group.
  Matrix fixed(Layout layout, double guidance) const {
    SerialShards run(model_, shape_, start_, layout);
    for (std::size_t i = 0; i < kSteps; ++i) run.step(step(i, guidance));
    return run.latents();
  }

  SeededWeights weights_{5};
  Dit model_{short_preset(GetParam()), weights_};
  ByteTextEncoder encoder_{model_.config(), weights_};
  Prompt prompt_ = encoder_.encode("a lighthouse at dusk"), negative_ = encoder_.encode("blurry");
  // 3 x 2 tokens in 3 frames, 34 with the text: neither 18 nor 34 divides by 4.
  LatentShape shape_ = latent_shape(model_.config(), {48, 32, 9});
  Matrix start_ = noise(shape_, 11);
  std::vector<double> sigmas_ = sigma_schedule(model_.config(), shape_.tokens(), kSteps);
};
INSTANTIATE_TEST_SUITE_P(Presets, ParallelTest, ::testing::Values("tiny-mmdit", "tiny-cross"),
                         [](const auto& preset) {
                           return std::string(preset.param) == "tiny-mmdit" ? "Joint" : "Cross";
                         });

// Not nearly: every sum is the same sum (kernels.hpp).
TEST_P(ParallelTest, EveryUlyssesDegreeGivesTheSameBits) {
  const Matrix alone = fixed(layout(1, 1), 1);
  EXPECT_NE(alone, start_);
  for (const int degree : {2, 3, 4, 6, 12}) EXPECT_EQ(fixed(layout(1, degree), 1), alone) << degree;
}

TEST_P(ParallelTest, SplitGuidanceGivesTheSameBits) {
  const Matrix alone = fixed(layout(1, 1), 4);
  EXPECT_NE(alone, fixed(layout(1, 1), 1));
  for (const int degree : {1, 2, 3, 4}) {
    EXPECT_EQ(fixed(layout(1, degree), 4), alone) << degree;
    EXPECT_EQ(fixed(layout(2, degree), 4), alone) << degree;
  }
}

TEST_P(ParallelTest, BothBranchesHoldTheSameShards) {
  SerialShards run(model_, shape_, start_, layout(2, 3));
  run.step(step(0, 4));
  for (std::size_t rank = 0; rank < 3; ++rank)
    EXPECT_EQ(run.shards()[rank], run.shards()[rank + 3]) << rank;
}

TEST_P(ParallelTest, AnotherGroupAtEveryStepGivesTheSameBits) {
  const Matrix expected = fixed(layout(1, 1), 4);
  RandomStream random(1, "parallel_test");
  for (int trial = 0; trial < 3; ++trial) {
    SerialShards run(model_, shape_, start_, layout(1, 1));
    for (std::size_t i = 0; i < kSteps; ++i) {
      run.regroup(
          layout(1 + static_cast<int>(random.below(2)), 1 + static_cast<int>(random.below(4))));
      run.step(step(i, 4));
    }
    EXPECT_EQ(run.latents(), expected);
  }
}

// A world of workers, each with memory of its own; at every step other workers, in other order.
// What the old members leave behind is poisoned.
TEST_P(ParallelTest, ThreadsEqualTheSerialOracleWhileTheGroupWanders) {
  constexpr std::size_t kWorkers = 9;
  RandomStream random(2, "parallel_test");
  for (const Layout degree : {layout(1, 1), layout(1, 3), layout(1, 4), layout(2, 2)}) {
    const SequenceSplit split = sequence_split(model_.config(), shape_, degree);
    const auto size = static_cast<std::size_t>(degree.size());
    SerialShards oracle(model_, shape_, start_, degree);
    std::vector<Matrix> memory(kWorkers);
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < kSteps; ++i) {
      std::vector<Matrix> shards;
      for (std::size_t rank = 0; rank < size; ++rank)
        shards.push_back(i == 0 ? shard(start_, split, rank % degree.ulysses)
                                : memory[members[rank]]);
      for (Matrix& left : memory)
        for (float& value : left.values) value = std::numeric_limits<float>::quiet_NaN();
      std::vector<std::size_t> workers{0, 1, 2, 3, 4, 5, 6, 7, 8};
      members.clear();
      std::vector<Matrix*> latents;
      for (std::size_t rank = 0; rank < size; ++rank) {
        const auto pick = static_cast<std::ptrdiff_t>(random.below(workers.size()));
        members.push_back(workers[static_cast<std::size_t>(pick)]);
        workers.erase(workers.begin() + pick);
        memory[members.back()] = shards[rank];
        latents.push_back(&memory[members.back()]);
      }
      ThreadGroup(degree).step(model_, step(i, 4), latents);
      oracle.step(step(i, 4));
      for (std::size_t rank = 0; rank < size; ++rank)
        ASSERT_EQ(*latents[rank], oracle.shards()[rank]) << "step " << i << " rank " << rank;
    }
  }
}

// Two exchanges a block and one of the branches: what the cost models count.
TEST_P(ParallelTest, ExchangesOfAStep) {
  const auto count = [&](Layout of, double guidance) {
    const SequenceSplit split = sequence_split(model_.config(), shape_, of);
    Matrix latents = shard(start_, split, 0);
    const Step first = step(0, guidance);
    RankStep rank(model_, first, of, 0, latents);
    std::size_t exchanges = 0;
    while (const auto exchange = rank.advance()) {
      EXPECT_NE(exchange->in.data(), exchange->out.data());
      ++exchanges;
    }
    EXPECT_FALSE(rank.advance().has_value());
    return exchanges;
  };
  EXPECT_EQ(count(layout(1, 1), 1), 0u);
  EXPECT_EQ(count(layout(1, 1), 4), 0u);
  EXPECT_EQ(count(layout(1, 2), 1), 2 * model_.blocks());
  EXPECT_EQ(count(layout(1, 2), 4), 4 * model_.blocks());
  EXPECT_EQ(count(layout(2, 2), 4), 2 * model_.blocks() + 1);
}

TEST_P(ParallelTest, LatentsStayUntilTheStepEnds) {
  Matrix latents = shard(start_, sequence_split(model_.config(), shape_, layout(1, 2)), 1);
  const Matrix before = latents;
  const Step first = step(0, 1);
  RankStep rank(model_, first, layout(1, 2), 1, latents);
  while (rank.advance()) EXPECT_EQ(latents, before);
  EXPECT_NE(latents, before);
}

TEST_P(ParallelTest, RefusesWhatItCannotShare) {
  Matrix latents = start_;
  EXPECT_THROW(RankStep(model_, step(0, 1), layout(1, 5), 0, latents), ConfigError);
  EXPECT_THROW(RankStep(model_, step(0, 1), layout(2, 1), 0, latents), ConfigError);
  EXPECT_THROW(RankStep(model_, step(0, 1), {.ring = 2}, 0, latents), ConfigError);
  EXPECT_THROW(RankStep(model_, step(0, 1), layout(1, 2), 0, latents), InternalError);
}

// More ranks than a small image has tokens: some hold text only, some nothing.
TEST(SmallImage, RanksWithoutLatentsOrTokens) {
  for (const char* name : {"tiny-mmdit", "tiny-cross"}) {
    SeededWeights weights(5);
    const Dit model(preset(name), weights);
    const Prompt prompt = ByteTextEncoder(model.config(), weights).encode("dot");
    const LatentShape shape = latent_shape(model.config(), {16, 32, 1});
    ASSERT_EQ(shape.tokens(), 2u);
    const Step step{shape, &prompt, nullptr, 1, 1, 0.5};
    SerialShards alone(model, shape, noise(shape, 1), layout(1, 1));
    SerialShards many(model, shape, noise(shape, 1), layout(1, 12));
    alone.step(step);
    many.step(step);
    EXPECT_EQ(many.latents(), alone.latents());
  }
}

TEST(Shards, CutAndJoinForEveryDegree) {
  for (const std::size_t text : {0, 5, 16})
    for (const std::size_t latents : {1, 7, 24})
      for (std::size_t ranks = 1; ranks <= 12; ++ranks) {
        Matrix all(latents, 3);
        for (std::size_t i = 0; i < all.values.size(); ++i) all.values[i] = static_cast<float>(i);
        const SequenceSplit split(text, latents, ranks);
        std::vector<Matrix> shards;
        std::size_t next = 0, next_text = 0;
        for (std::size_t r = 0; r < ranks; ++r) {
          EXPECT_EQ(split.latents(r).first, next);
          EXPECT_EQ(split.text(r).first, next_text);
          next += split.latents(r).count;
          next_text += split.text(r).count;
          EXPECT_EQ(split.tokens(r).count, split.latents(r).count + split.text(r).count);
          EXPECT_LE(split.tokens(r).count, (text + latents + ranks - 1) / ranks);
          EXPECT_GE(split.tokens(r).count, (text + latents) / ranks);
          shards.push_back(shard(all, split, r));
        }
        EXPECT_EQ(next, latents);
        EXPECT_EQ(next_text, text);
        EXPECT_EQ(gather(shards, split), all);
      }
  const SequenceSplit split(0, 4, 2);
  std::vector<Matrix> wrong{Matrix(3, 1), Matrix(1, 1)};
  EXPECT_THROW(gather(wrong, split), InternalError);
}

}  // namespace
}  // namespace regroup::dit
