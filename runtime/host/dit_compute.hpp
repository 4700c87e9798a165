// A rank that really computes: the small diffusion transformers of runtime/dit.
#pragma once

#include <functional>
#include <memory>

#include "runtime/dit/decoder.hpp"
#include "runtime/dit/model.hpp"
#include "runtime/dit/text_encoder.hpp"
#include "runtime/host/compute.hpp"

namespace regroup::host {

// Weights, shared by all ranks. Immutable.
struct SmallDit {
  explicit SmallDit(std::string_view preset);  // see dit::preset

  dit::DitConfig config;
  dit::SeededWeights weights{1};
  dit::Dit denoiser;
  dit::ByteTextEncoder encoder;
  dit::ConvDecoder decoder;
};

struct DitOptions {
  // Which small model stands in for a model.
  std::function<std::shared_ptr<const SmallDit>(ModelId)> model;
  // Requests are made at this fraction of their width and height, so that they take milliseconds.
  int shrink = 8;
};

// The bytes that HostOptions must provide for it.
inline constexpr std::uint64_t kDitSlotBytes = std::uint64_t{8} << 20;
inline constexpr std::uint64_t kDitWindowBytes = std::uint64_t{8} << 20;

// The state of a denoising task is its prompt and all of its latents, at every member; a step
// computes the member's shard of the new latents (Ulysses and guidance parallel, by the run's
// layout) and gathers the others'.
std::unique_ptr<Compute> dit_compute(int rank, collectives::World& world, DitOptions options);

}  // namespace regroup::host
