// Which layouts a stage of a model can have, and which of them are worth listing.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "models/card.hpp"

namespace regroup::models {

inline constexpr int kMaxDegree = static_cast<int>(kMaxGroupSize);

// Empty if the stage can run in that layout, else the rule that forbids it. Denoising: ulysses
// divides the heads; cfg is 1, or 2 when a step has two forward passes; ring is free; tp is 1.
// Other stages: one of the card's degrees, as ulysses.
std::string why_not(const ModelCard& card, std::size_t stage, int forwards, Layout layout);

// One layout for each size the stage can have, ascending, up to `gpus`. Denoising with two passes
// splits them first (cfg = 2) and the sequence by Ulysses; with one, by Ulysses alone.
std::vector<Layout> usual_layouts(const ModelCard& card, std::size_t stage, int forwards, int gpus);

// A small dense number for every layout with tp 1 and cfg 1 or 2 of at most kMaxDegree GPUs.
class LayoutIndex {
 public:
  static constexpr std::size_t kCount = 238;

  static constexpr std::size_t of(Layout layout) {
    return 2 * kFirst[layout.ulysses] + 2 * (layout.ring - std::size_t{1}) + layout.cfg - 1;
  }
  static constexpr bool covers(Layout layout) {
    return layout.tp == 1 && layout.ulysses >= 1 && layout.ring >= 1 && layout.cfg >= 1 &&
           layout.cfg <= 2 && layout.ulysses * layout.ring <= kMaxDegree;
  }

 private:
  // Number of (ulysses, ring) pairs with a smaller ulysses.
  static constexpr std::array<std::size_t, kMaxGroupSize + 1> kFirst = [] {
    std::array<std::size_t, kMaxGroupSize + 1> first{};
    for (std::size_t u = 2; u <= kMaxGroupSize; ++u)
      first[u] = first[u - 1] + kMaxGroupSize / (u - 1);
    return first;
  }();
  static_assert(2 * (kFirst[kMaxGroupSize] + 1) == kCount);
};

// "ulysses 4", "cfg 2 x ring 2", "1 GPU".
std::string to_string(Layout layout);

}  // namespace regroup::models
