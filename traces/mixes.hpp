// Which requests a workload is made of, and how often each occurs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.hpp"
#include "traces/record.hpp"

namespace regroup::traces {

// One kind of request. What it has in common with a Record means the same there.
struct MixEntry {
  std::string model;
  Shape shape;
  int steps = 1;
  double guidance = 1;
  std::string request_class;
  int priority = 0;
  double weight = 1;  // relative to the others of the mix
};
using Mix = std::vector<MixEntry>;

// The published mixes:
//   tetriserve-uniform  FLUX.1-dev at 256, 512, 1024, 2048 square, 50 steps, equally often
//   tetriserve-skewed   the same, p ~ exp(L / L_max), L = width * height / 256 latent tokens: the
//                       large ones more often (arXiv 2510.01565)
//   gfdit-wan           Wan2.2-TI2V-5B: S 832x480x49, M 832x480x81, L 1280x720x81, 50 steps; the
//                       weights .55/.35/.10 of profile "short" (arXiv 2606.13501)
//   gfdit-qwen          Qwen-Image at 512, 1024, 1536 square without guidance, otherwise the same
//   hetu-flux           FLUX.1-dev at 128, 256, 512, 1024, 2048 square, 28 steps, equally often
//                       (PKU-DAIR/Hetu-DiT, data/flux_trace.txt)
// Throws ConfigError, listing the names, for any other.
Mix named_mix(std::string_view name);
std::vector<std::string> mix_names();

// A name, or a mix of the user's own: "MODEL:WxH[xF]:STEPS[:WEIGHT]", comma separated; guidance is
// model_guidance(MODEL), the class shape_name(). Throws ConfigError naming the part that is wrong.
Mix parse_mix(std::string_view text);

// "1024x1024" or "832x480x81", the inverse of shape_name(); nullopt for anything else.
std::optional<Shape> parse_shape(std::string_view text);

// What a record takes over from its entry; `steps`: instead of the entry's own. It has no deadline.
void fill(Record& record, const MixEntry& entry, std::optional<int> steps);

// Draws one entry by weight.
const MixEntry& draw(const Mix& mix, RandomStream& random);

// The classifier-free guidance scale that a model is published with; 1 (off) for models that take
// none, have it distilled in (FLUX.1-dev, HunyuanVideo), or are not known here.
double model_guidance(std::string_view model);

}  // namespace regroup::traces
