#include "runtime/collectives/form_group.hpp"

#include "core/errors.hpp"

namespace regroup::collectives {

RankGroup form_group(std::span<const int> ranks, std::uint64_t step, int world) {
  if (ranks.empty()) fail<ConfigError>("collectives: step {}: a group of no ranks", step);
  RankGroup group;
  group.step = step;
  std::uint64_t members = 0;
  for (const int rank : ranks) {
    if (rank < 0 || rank >= world)
      fail<ConfigError>("collectives: step {}: no rank {}; this world has 0 to {}", step, rank,
                        world - 1);
    const std::uint64_t member = std::uint64_t{1} << rank;
    if ((members & member) != 0)
      fail<ConfigError>("collectives: step {}: rank {} is in the group twice", step, rank);
    members |= member;
    group.ranks[group.size++] = static_cast<std::uint8_t>(rank);
  }
  return group;
}

}  // namespace regroup::collectives
