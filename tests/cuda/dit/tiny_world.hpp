// A model on an emulated GPU, and ranks that compute steps of it.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "meeting_exchanges.hpp"
#include "runtime/cuda/dit/step_graphs.hpp"
#include "tiny_models.hpp"

namespace regroup::cuda {

inline constexpr std::uint64_t kWeightSeed = 7;

// A model with its memory.
class TinyModel {
 public:
  // With seeded weights, prepared for both shapes.
  explicit TinyModel(const dit::DitConfig& config);

  const DeviceModel& operator*() const { return *model_; }
  DeviceModel& operator*() { return *model_; }
  const dit::DitConfig& config() const { return model_->config(); }

 private:
  DeviceBuffer memory_;
  std::optional<DeviceModel> model_;
};

// One rank: its stream, its memory, its steps.
class TinyRank {
 public:
  TinyRank(MeetingPoint& point, int rank, std::size_t memory_bytes, std::size_t slot_bytes,
           StepGraphs::Mode mode);

  StepGraphs& steps() { return steps_; }
  // Enqueues one step as member `member` of the ranks in `group`; all memory was NaN before.
  void start(const TinyModel& model, const TinyStep& step, const std::vector<int>& group,
             Layout layout, int member);
  // Waits for it. The latents, all of them.
  dit::Matrix finish();

  int rank;
  Stream stream;
  DeviceBuffer memory, parameters;
  RankMath math = plain_math();
  MeetingExchanges exchanges;

 private:
  StepGraphs steps_;
  FloatRows latents_;
};

// Copies in what a step starts from: the texts of its passes, pooled, and all latents.
void give(const TinyStep& step, Layout layout, int member, const StepProgram& program);
dit::Matrix take(FloatRows rows);
StepParameters parameters_of(const dit::DitConfig& config, const TinyStep& step, Layout layout,
                             const std::vector<int>& group, int member);

class TinyWorld {
 public:
  // Ranks that can compute this step on all `layouts`.
  TinyWorld(const TinyModel& model, int ranks, const TinyStep& step,
            const std::vector<Layout>& layouts, StepGraphs::Mode mode = StepGraphs::Mode::kEager);

  // One step on these ranks, in this order. Every member must come to the same latents.
  dit::Matrix step(const TinyStep& step, const std::vector<int>& group, Layout layout);
  TinyRank& rank(int rank) { return ranks_[static_cast<std::size_t>(rank)]; }

 private:
  const TinyModel& model_;
  MeetingPoint point_;
  std::deque<TinyRank> ranks_;
};

}  // namespace regroup::cuda
