#include "sim/turns.hpp"

#include <algorithm>
#include <utility>

namespace regroup::sim {

void Turns::ask(RunId run, std::vector<GpuId> gpus) { line_.push_back({run, std::move(gpus)}); }

std::optional<RunId> Turns::next() {
  const auto found = std::ranges::find_if(line_, [&](const Place& place) {
    return std::ranges::none_of(place.gpus, [&](GpuId gpu) { return taken_[gpu.value]; });
  });
  if (found == line_.end()) return std::nullopt;
  const RunId run = found->run;
  for (const GpuId gpu : found->gpus) taken_[gpu.value] = true;
  holders_.emplace(run, std::move(found->gpus));
  line_.erase(found);
  return run;
}

void Turns::leave(RunId run) {
  std::erase_if(line_, [&](const Place& place) { return place.run == run; });
  const auto held = holders_.find(run);
  if (held == holders_.end()) return;
  for (const GpuId gpu : held->second) taken_[gpu.value] = false;
  holders_.erase(held);
}

}  // namespace regroup::sim
