// Who has which part of what a group shares.
#pragma once

#include "runtime/collectives/host_device.hpp"

namespace regroup::collectives {

// `total` things in order, dealt to `parts` members: each has total / parts of them, and the first
// total % parts members one more. A part may be empty. `parts` is at least 1.
struct Shards {
  std::uint64_t total = 0;
  int parts = 1;

  // How many of them member `part` has; the first member never has fewer than another.
  RG_HOST_DEVICE constexpr std::uint64_t size(int part) const {
    return total / count() + (index(part) < total % count() ? 1 : 0);
  }
  // The first of them. begin(parts) is `total`.
  RG_HOST_DEVICE constexpr std::uint64_t begin(int part) const {
    const std::uint64_t longer = total % count();
    return index(part) * (total / count()) + (index(part) < longer ? index(part) : longer);
  }

 private:
  RG_HOST_DEVICE constexpr std::uint64_t count() const { return index(parts); }
  RG_HOST_DEVICE static constexpr std::uint64_t index(int part) {
    return static_cast<std::uint64_t>(part);
  }
};

}  // namespace regroup::collectives
