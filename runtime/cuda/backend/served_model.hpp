// What requests may ask for: programs, memory and graphs are made for these before the first comes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/catalog.hpp"
#include "runtime/dit/config.hpp"
#include "runtime/dit/latents.hpp"

namespace regroup::cuda {

struct ServedShape {
  Shape pixels;  // as requests ask for it
  bool guided = false;
  dit::LatentShape latents;     // as it is computed
  std::vector<Layout> layouts;  // that its groups may have
};

struct ServedModel {
  ModelId id{};
  dit::DitConfig config;
  std::string weights;  // a safetensors file; empty: seeded numbers
  std::vector<ServedShape> shapes;

  // ConfigError: it is not served.
  const ServedShape& shape(Shape pixels, bool guided) const;
};

// What a request will ask for.
struct WantedShape {
  ModelId model{};
  Shape shape;
  double guidance = 0;
};

// The models of these requests, at full size (dit::preset), in all the layouts that groups of at
// most `ranks` ranks can have. ConfigError: a model that cannot be computed, naming those that can.
std::vector<ServedModel> served_models(Catalog& catalog, std::span<const WantedShape> wanted,
                                       int ranks);

// Where the parts of a request's state lie: the text embedding, which is all that there is before
// denoising, then the latents. Bytes; each part begins at a multiple of 256.
struct StateLayout {
  std::uint64_t pooled = 0;  // fp32 [text_width]; the text, bf16 [text_tokens][text_width], is at 0
  std::uint64_t latents = 0;  // fp32 [tokens][token_width]
  std::uint64_t end = 0;

  std::uint64_t prompt_bytes() const { return latents; }
};
StateLayout state_layout(const dit::DitConfig& config, const dit::LatentShape& latents);

// The largest of all that are served.
std::uint64_t largest_state(std::span<const ServedModel> models);

}  // namespace regroup::cuda
