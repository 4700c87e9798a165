// Models of the two kinds that a CPU can emulate a GPU with, and requests for them.
#pragma once

#include "runtime/dit/conditioning.hpp"
#include "runtime/dit/config.hpp"
#include "runtime/dit/latents.hpp"

namespace regroup::cuda {

using Architecture = dit::DitConfig::Architecture;

// Heads of 64, of either kind `blocks` blocks (a cross model: twice as many).
dit::DitConfig tiny_model(Architecture architecture, std::size_t heads, std::size_t blocks = 1);

// Its tokens: 4 x 4 of an image, or 3 x 2 of each of 3 frames.
inline constexpr Shape kEven{64, 64, 1};
inline constexpr Shape kUneven{32, 48, 3};

// One step of one request. Texts are numbers that bf16 has, so that GPU and CPU have the same.
struct TinyStep {
  dit::LatentShape shape;
  dit::Prompt prompt, negative;
  dit::Matrix latents;
  double guidance = 1;
  double from = 0.8, to = 0.3;

  bool guided() const { return guidance > 1; }
};
TinyStep tiny_step(const dit::DitConfig& config, Shape pixels, double guidance,
                   std::uint64_t seed = 1);

// What the step took the latents to, less where they were, by its distance.
dit::Matrix velocity(const TinyStep& step, const dit::Matrix& after);

// |a - b| / |b|, of all numbers as one vector.
double relative_error(const dit::Matrix& a, const dit::Matrix& b);

constexpr Layout layout(int cfg, int ulysses) {
  return {.cfg = static_cast<std::uint8_t>(cfg), .ulysses = static_cast<std::uint8_t>(ulysses)};
}

}  // namespace regroup::cuda
