#include "runtime/cuda/dit/request_state.hpp"

namespace regroup::cuda {
namespace {

constexpr std::uint64_t round_up(std::uint64_t bytes) { return (bytes + 255) / 256 * 256; }

}  // namespace

StateLayout state_layout(const dit::DitConfig& config, const dit::LatentShape& latents) {
  StateLayout layout;
  layout.pooled = round_up(2 * config.text_tokens * config.text_width);
  layout.latents = layout.pooled + round_up(4 * config.text_width);
  layout.end = layout.latents + round_up(4 * latents.tokens() * latents.token_width());
  return layout;
}

}  // namespace regroup::cuda
