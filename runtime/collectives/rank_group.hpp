// A group of ranks. Forming one is filling in this value (World::form): nobody is told, nothing is
// allocated, and it may be passed to a kernel as it is.
#pragma once

#include "runtime/collectives/host_device.hpp"

namespace regroup::collectives {

// The widest world. A rank is one GPU, or one slice or thread that stands for one: 0, 1, ...
inline constexpr int kMaxRanks = 32;

struct RankGroup {
  // Which piece of work it was formed for: one number for all members, another one each time. Two
  // members that are at different steps find out by it; a number for each operation lets them find
  // out about a single operation that one of them left out.
  std::uint64_t step = 0;
  std::uint8_t size = 0;
  std::uint8_t ranks[kMaxRanks] = {};  // in order: member i is ranks[i]; (0, 1, 3) is not (3, 1, 0)

  // Which member `rank` is; -1: none.
  RG_HOST_DEVICE constexpr int position(int rank) const {
    for (int i = 0; i < size; ++i)
      if (ranks[i] == rank) return i;
    return -1;
  }

  RG_HOST_DEVICE friend constexpr bool operator==(const RankGroup& a, const RankGroup& b) {
    if (a.step != b.step || a.size != b.size) return false;
    for (int i = 0; i < a.size; ++i)
      if (a.ranks[i] != b.ranks[i]) return false;
    return true;
  }
};

}  // namespace regroup::collectives
