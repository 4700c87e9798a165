#include "sim/turns.hpp"

#include <algorithm>

namespace regroup::sim {

void Turns::ask(std::uint32_t who, std::span<const GpuId> gpus) {
  if (claims_.size() <= who) claims_.resize(who + 1);
  claims_[who].gpus.assign(gpus.begin(), gpus.end());
  claims_[who].holds = false;
  line_.push_back(who);
}

std::optional<std::uint32_t> Turns::next() {
  const auto found = std::ranges::find_if(line_, [&](std::uint32_t who) {
    return std::ranges::none_of(claims_[who].gpus, [&](GpuId gpu) { return taken_[gpu.value]; });
  });
  if (found == line_.end()) return std::nullopt;
  const std::uint32_t who = *found;
  for (const GpuId gpu : claims_[who].gpus) taken_[gpu.value] = true;
  claims_[who].holds = true;
  line_.erase(found);
  return who;
}

void Turns::leave(std::uint32_t who) {
  if (claims_.size() <= who || claims_[who].gpus.empty()) return;
  Claim& claim = claims_[who];
  if (claim.holds)
    for (const GpuId gpu : claim.gpus) taken_[gpu.value] = false;
  else
    std::erase(line_, who);
  claim.gpus.clear();
}

}  // namespace regroup::sim
