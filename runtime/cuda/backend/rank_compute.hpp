// What a rank computes in a step: one of two kinds, behind one interface.
#pragma once

#include <memory>
#include <string>

#include "core/jitter.hpp"
#include "runtime/cuda/backend/device_state.hpp"
#include "runtime/cuda/backend/rank_exchanges.hpp"
#include "runtime/cuda/backend/served_model.hpp"
#include "runtime/cuda/dit/device_model.hpp"
#include "runtime/cuda/dit/request_state.hpp"
#include "runtime/cuda/dit/step_graphs.hpp"
#include "runtime/serve/rank_device.hpp"

namespace regroup::cuda {

// What a rank has to work with. Set up before arming by CudaNode, which outlives the rank's thread.
struct RankTools {
  int rank = 0;
  cudaStream_t stream = nullptr;  // steps and their exchanges
  SlotPool* states = nullptr;     // in the rank's memory
  RankExchanges* exchanges = nullptr;
  StepParameters* parameters = nullptr;  // on the device
  std::byte* readback = nullptr;         // page-locked; kReadbackBytes
};
inline constexpr std::size_t kReadbackBytes = 4096;

// Of one rank, used by its thread. As serve::RankDevice, but for waiting: begin() and step() only
// enqueue on the rank's stream, and what they return is complete when that has run dry.
class RankCompute {
 public:
  virtual ~RankCompute() = default;
  virtual serve::StateRef begin(const serve::RunTask& task, const serve::StateRef& before) = 0;
  virtual serve::StateRef step(const serve::StepContext& context, const serve::RunTask& task,
                               const serve::StateRef& now) = 0;
  // Waits.
  virtual std::string check(const serve::RunTask& task, int steps,
                            const serve::StateRef& state) = 0;
};

// Keeps the GPU busy for as long as the cost model says; the state is a Digest.
std::unique_ptr<RankCompute> timed_compute(const RankTools& tools, Jitter jitter);
inline constexpr std::uint64_t kTimedStateBytes = 512;

// Denoises for real. Text encoder and VAE are stood in for by their modelled duration and seeded
// numbers. `models` and `graphs`, which has a program for all that is served, outlive it.
struct LoadedModel {
  const ServedModel* served = nullptr;
  const DeviceModel* weights = nullptr;    // on the rank's GPU
  const Bf16* negative_text = nullptr;     // of the negative prompt [text_tokens][text_width]
  const float* negative_pooled = nullptr;  // [text_width]
};
std::unique_ptr<RankCompute> dit_compute(const RankTools& tools,
                                         std::span<const LoadedModel> models,
                                         const StepGraphs& graphs, Jitter jitter);

}  // namespace regroup::cuda
