// Forming a group, the same for every kind of world.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/collectives/rank_group.hpp"

namespace regroup::collectives {

// A group of these ranks, in this order, for the piece of work `step`: a number that all members
// are given and no other group had. The members need not be told of each other in any other way.
// Any thread; nothing is allocated. ConfigError: no rank, one twice, or one that a world of `world`
// ranks does not have.
RankGroup form_group(std::span<const int> ranks, std::uint64_t step, int world);

}  // namespace regroup::collectives
