// Which steps there are, and who has which tokens of one.
#pragma once

#include <cstdint>
#include <vector>

#include "regroup/policy/types.hpp"
#include "runtime/cuda/dit/parameters.hpp"
#include "runtime/dit/config.hpp"
#include "runtime/dit/latents.hpp"

namespace regroup::cuda {

// Of one member, in its activations: text first. Unlike runtime/dit, which cuts the whole sequence
// once, text and latents are dealt each for itself (collectives/shards.hpp): where the degree
// divides both, all members have the same rows and run the same recording.
struct MemberRows {
  std::int64_t text = 0;  // 0 in a cross model, where every member has all of the text
  std::int64_t latents = 0;

  std::int64_t total() const { return text + latents; }
  friend auto operator<=>(const MemberRows&, const MemberRows&) = default;
};

// Of piece `piece` of `ulysses`. No piece has more rows of either kind than piece 0.
MemberRows member_rows(const dit::DitConfig& config, const dit::LatentShape& shape, int ulysses,
                       int piece);

// One kind of step: what a recorded program, and a graph of it, is made for.
struct StepVariant {
  dit::LatentShape shape;
  Layout layout;  // cfg x ulysses
  bool guided = false;
  MemberRows rows;

  // Forward passes that one member computes, one after the other.
  int passes() const { return guided && layout.cfg == 1 ? 2 : 1; }
  friend bool operator==(const StepVariant&, const StepVariant&) = default;
};

// The variants that the members of one layout need: one where the degree divides the tokens, at
// most three otherwise; the first has the most rows. Throws ConfigError for a layout that
// dit::check() refuses.
std::vector<StepVariant> step_variants(const dit::DitConfig& config, const dit::LatentShape& shape,
                                       Layout layout, bool guided);

// Of member `member`.
StepVariant member_variant(const dit::DitConfig& config, const dit::LatentShape& shape,
                           Layout layout, bool guided, int member);

// Which prompt (0: the prompt, 1: the negative one) that member takes in a pass.
constexpr int prompt_of(Layout layout, int member, int pass) {
  return layout.cfg == 2 ? member / layout.ulysses : pass;
}

// What that member is told before a step; groups and noise levels are left to the caller.
StepParameters member_parameters(const dit::DitConfig& config, const dit::LatentShape& shape,
                                 Layout layout, int member);

}  // namespace regroup::cuda
