// One denoising step of one member, ready to be carried out again and again: what
// runtime/dit/step.hpp is on the CPU.
#pragma once

#include <span>
#include <vector>

#include "runtime/cuda/dit/recording.hpp"
#include "runtime/cuda/dit/step_buffers.hpp"

namespace regroup::cuda {

// What a rank has for its steps, one after the other.
struct RankResources {
  RankMath* math = nullptr;
  Exchanges* exchanges = nullptr;
  StepParameters* parameters = nullptr;  // device memory
  std::byte* memory = nullptr;           // device memory of step_buffer_bytes(), aligned to 256
  std::uint64_t memory_bytes = 0;
};

// Serves every member with the variant's rows, of every group of its layout. To run a step:
//   1. copy the request's texts, pooled texts and latents into state(); pass i takes the prompt
//      that prompt_of() says;
//   2. store_parameters(): member_parameters(), the groups, the noise levels;
//   3. run(), or the graph of it;
//   4. copy the latents, which every member now has in full, out of state().
// All on one stream and by the rank's thread. Programs of one rank share its memory: what state()
// holds is lost when another one runs.
//
// A step whose exchanges failed leaves garbage: its latents are not to be copied out.
class StepProgram {
 public:
  // Before arming; prepares all products and attentions and allocates only on the host. What it is
  // made with must outlive it. InternalError if the memory is too small.
  StepProgram(const DeviceModel& model, const StepVariant& variant, const RankResources& resources);

  const StepVariant& variant() const { return variant_; }
  const StepState& state() const { return buffers_.state; }

  // Enqueues the whole step; allocates nothing, may be captured if the exchanges may.
  void run(cudaStream_t stream) const;

  // The same in parts, for who performs the exchanges itself.
  std::span<const Segment> segments() const { return segments_; }
  static void run(const Segment& segment, cudaStream_t stream);

 private:
  void record_end(Recording& recording, const StepParameters* parameters) const;

  StepVariant variant_;
  StepBuffers buffers_;
  Exchanges& exchanges_;
  std::vector<Segment> segments_;
};

}  // namespace regroup::cuda
