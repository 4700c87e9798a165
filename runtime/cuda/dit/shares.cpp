#include "runtime/cuda/dit/shares.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "runtime/collectives/shards.hpp"

namespace regroup::cuda {

using collectives::Shards;

MemberRows member_rows(const dit::DitConfig& config, const dit::LatentShape& shape, int ulysses,
                       int piece) {
  RG_CHECK(ulysses >= 1 && piece >= 0 && piece < ulysses, "piece {} of {}", piece, ulysses);
  return {static_cast<std::int64_t>(Shards{config.joint_text(), ulysses}.size(piece)),
          static_cast<std::int64_t>(Shards{shape.tokens(), ulysses}.size(piece))};
}

StepVariant member_variant(const dit::DitConfig& config, const dit::LatentShape& shape,
                           Layout layout, bool guided, int member) {
  return {shape, layout, guided,
          member_rows(config, shape, layout.ulysses, member % layout.ulysses)};
}

std::vector<StepVariant> step_variants(const dit::DitConfig& config, const dit::LatentShape& shape,
                                       Layout layout, bool guided) {
  constexpr double kAnyGuidance = 2;
  dit::check(config, layout, guided ? kAnyGuidance : 1);
  std::vector<StepVariant> variants;
  for (int piece = 0; piece < layout.ulysses; ++piece) {
    const StepVariant variant = member_variant(config, shape, layout, guided, piece);
    if (std::ranges::find(variants, variant) == variants.end()) variants.push_back(variant);
  }
  return variants;
}

StepParameters member_parameters(const dit::DitConfig& config, const dit::LatentShape& shape,
                                 Layout layout, int member) {
  RG_CHECK(member >= 0 && member < layout.size(), "member {} of {}", member, layout.size());
  const int ulysses = layout.ulysses, piece = member % ulysses;
  StepParameters parameters;
  parameters.first_text =
      static_cast<std::int32_t>(Shards{config.joint_text(), ulysses}.begin(piece));
  parameters.first_latent = static_cast<std::int32_t>(Shards{shape.tokens(), ulysses}.begin(piece));
  return parameters;
}

}  // namespace regroup::cuda
