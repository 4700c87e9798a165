#include "runtime/cuda/dit/step_program.hpp"

#include "core/errors.hpp"
#include "runtime/cuda/dit/forward.hpp"

namespace regroup::cuda {
namespace {

constexpr std::uint32_t kFloatBytes = sizeof(float);

std::byte* bytes(FloatRows rows) { return reinterpret_cast<std::byte*>(rows.data); }

// The pass of one branch, and the other branch's velocity from who has the same piece there. Both
// of the pair have as many rows; if they have none, neither comes.
void record_paired_velocity(const Forward& forward) {
  FloatRows velocity = forward.buffers.velocity[0];
  if (velocity.rows == 0) return;
  std::byte* const both = bytes(velocity);
  const int slot = forward.recording.reserve();
  velocity.data = reinterpret_cast<float*>(forward.recording.staging(slot));
  record_velocity(forward, velocity);
  const auto piece = static_cast<std::uint32_t>(velocity.rows * velocity.cols) * kFloatBytes;
  forward.recording.exchange(
      {collectives::Op::kAllGather, Among::kPair, {.tokens = 2, .head_bytes = piece}, slot, both});
}

}  // namespace

StepProgram::StepProgram(const DeviceModel& model, const StepVariant& variant,
                         const RankResources& resources)
    : variant_(variant), exchanges_(*resources.exchanges) {
  const dit::DitConfig& config = model.config();
  Carver carver(resources.memory);
  buffers_ = step_buffers(config, variant, carver);
  RG_CHECK(carver.used() <= resources.memory_bytes, "a step of '{}' works in {} bytes, not {}",
           config.name, carver.used(), resources.memory_bytes);

  Recording recording(model, *resources.math, exchanges_);
  for (int pass = 0; pass < variant.passes(); ++pass) {
    const Forward forward{config, variant_, buffers_, resources.parameters, recording, pass};
    config.architecture == dit::DitConfig::Architecture::kJoint ? record_joint_blocks(forward)
                                                                : record_cross_blocks(forward);
    if (variant.layout.cfg == 2)
      record_paired_velocity(forward);
    else
      record_velocity(forward, buffers_.velocity[pass]);
  }
  record_end(recording, resources.parameters);
  segments_ = std::move(recording).take();
}

// Guidance and the sampler's step for the member's own rows, and all members' rows to all members.
void StepProgram::record_end(Recording& recording, const StepParameters* parameters) const {
  const FloatRows latents = buffers_.state.latents;
  const bool alone = variant_.layout.ulysses == 1;
  FloatRows stepped = latents;
  int slot = 0;
  if (!alone) {
    slot = recording.reserve();
    stepped = buffers_.velocity[0];
    stepped.data = reinterpret_cast<float*>(recording.staging(slot));
  }
  recording.add([latents, stepped, with = buffers_.velocity[0],
                 without = variant_.guided ? buffers_.velocity[1].data : nullptr,
                 first = &parameters->first_latent,
                 scalars = &parameters->sampler](cudaStream_t stream) {
    guided_euler_step(stream, latents, first, with, without, scalars, stepped);
  });
  if (!alone)
    recording.exchange({collectives::Op::kAllGather,
                        Among::kBranch,
                        {.tokens = static_cast<std::uint64_t>(latents.rows),
                         .head_bytes = static_cast<std::uint32_t>(latents.cols) * kFloatBytes},
                        slot,
                        bytes(latents)});
}

void StepProgram::run(const Segment& segment, cudaStream_t stream) {
  for (const Work& work : segment.work) work(stream);
}

void StepProgram::run(cudaStream_t stream) const {
  for (const Segment& segment : segments_) {
    run(segment, stream);
    if (segment.exchange) exchanges_.exchange(stream, *segment.exchange);
  }
}

}  // namespace regroup::cuda
