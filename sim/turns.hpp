// Who uses which GPUs when, where a piece of work needs several at once and may have to wait.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <vector>

#include "regroup/policy/types.hpp"

namespace regroup::sim {

// In the order in which they asked: whoever finds all of its GPUs free. Nobody keeps GPUs free for
// somebody who waits. Linear in those who wait.
class Turns {
 public:
  explicit Turns(std::size_t gpus) : taken_(gpus) {}

  // Waits in line for these GPUs, at least one, none twice. A run asks for one thing at a time.
  void ask(RunId run, std::vector<GpuId> gpus);
  // The first in line that finds its GPUs free: it has them now.
  std::optional<RunId> next();
  // Gives back what it has, or leaves the line; without effect on a run that does neither.
  void leave(RunId run);

 private:
  struct Place {
    RunId run{};
    std::vector<GpuId> gpus;
  };
  std::vector<bool> taken_;  // by GPU
  std::list<Place> line_;
  std::map<RunId, std::vector<GpuId>> holders_;
};

}  // namespace regroup::sim
