// Who uses which GPUs when, where a piece of work needs several at once and may have to wait.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "regroup/policy/types.hpp"

namespace regroup::sim {

// In the order in which they asked: whoever finds all of its GPUs free. Nobody keeps GPUs free for
// somebody who waits. Those who ask go by small numbers. Linear in those who wait; allocates
// nothing once there have been as many as there will be.
class Turns {
 public:
  explicit Turns(std::size_t gpus) : taken_(gpus) {}

  // Waits in line for these GPUs, at least one, none twice. Each asks for one thing at a time.
  void ask(std::uint32_t who, std::span<const GpuId> gpus);
  // The first in line that finds its GPUs free: it has them now.
  std::optional<std::uint32_t> next();
  // Gives back what it has, or leaves the line; without effect on one that does neither.
  void leave(std::uint32_t who);

 private:
  struct Claim {
    std::vector<GpuId> gpus;
    bool holds = false;  // them; else it is in line, if there are any
  };
  std::vector<bool> taken_;  // by GPU
  std::vector<std::uint32_t> line_;
  std::vector<Claim> claims_;  // by who
};

}  // namespace regroup::sim
