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

}  // namespace regroup::cuda
