// A request between two steps: its prompt and its latents, as they are kept and sent from rank to
// rank.
#pragma once

#include <cstdint>

#include "runtime/dit/config.hpp"
#include "runtime/dit/latents.hpp"

namespace regroup::cuda {

// Where the parts lie: the text embedding, which is all that there is before denoising, then the
// latents. Bytes; each part begins at a multiple of 256.
struct StateLayout {
  std::uint64_t pooled = 0;  // fp32 [text_width]; the text, bf16 [text_tokens][text_width], is at 0
  std::uint64_t latents = 0;  // fp32 [tokens][token_width]
  std::uint64_t end = 0;

  std::uint64_t prompt_bytes() const { return latents; }
};
StateLayout state_layout(const dit::DitConfig& config, const dit::LatentShape& latents);

}  // namespace regroup::cuda
