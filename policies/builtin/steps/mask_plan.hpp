// The group knapsack of GF-DiT's step-preempt and primal-dual policies (arXiv 2606.13501): a
// dynamic program over the sets of GPUs in use.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace regroup {

// GPUs of one node, one bit each.
using GpuMask = std::uint64_t;

// What one request could do now: use these GPUs, worth that much.
struct MaskOption {
  GpuMask gpus = 0;
  double value = 0;
  std::uint32_t action = 0;  // the caller's name for it
};

// Chooses at most one option of each request, no two with a GPU in common, so that the sum of their
// values is the largest; a request may be left out, which is worth nothing. Exact as long as no
// more than kMaxStates sets of GPUs can be reached (always so on a node of 8 GPUs); past that, sets
// that would be reached later are left out.
//
// Cost of add(): O(states x options). Memory is kept from one plan to the next.
class MaskPlan {
 public:
  static constexpr std::size_t kMaxStates = 1024;

  MaskPlan() : index_(kSlots, kNone) { clear(); }

  void clear() {
    for (const State& state : states_) index_[state.at] = kNone;
    states_.clear();
    links_.clear();
    const std::uint32_t at = home(0);
    states_.push_back({.at = at});
    index_[at] = 0;
  }

  // The options of the next request.
  void add(std::span<const MaskOption> options) {
    before_ = states_;  // a request is taken once: what it improves is not extended by it again
    for (const State& from : before_)
      for (const MaskOption& option : options)
        if ((from.gpus & option.gpus) == 0) extend(from, option);
  }

  // The chosen actions in the order in which their requests were added; none if no choice is worth
  // more than nothing. Of equal ones the one with more actions, then the one found first. Valid
  // until the next call.
  std::span<const std::uint32_t> best() {
    const State* best = &states_.front();
    for (const State& state : states_)
      if (state.value > best->value ||
          (state.value == best->value && state.actions > best->actions))
        best = &state;
    chosen_.clear();
    if (best->value <= 0) return {};
    for (std::uint32_t at = best->last; at != kNone; at = links_[at].before)
      chosen_.push_back(links_[at].action);
    std::ranges::reverse(chosen_);
    return chosen_;
  }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  static constexpr std::uint32_t kSlots = 4 * kMaxStates;

  // The best way to use exactly these GPUs.
  struct State {
    GpuMask gpus = 0;
    double value = 0;
    std::uint32_t actions = 0;   // how many
    std::uint32_t last = kNone;  // the last of them, in links_
    std::uint32_t at = 0;        // where it stands in index_
  };
  struct Link {
    std::uint32_t action;
    std::uint32_t before;
  };

  void extend(const State& from, const MaskOption& option) {
    const GpuMask gpus = from.gpus | option.gpus;
    const double value = from.value + option.value;
    std::uint32_t at = home(gpus);
    while (index_[at] != kNone && states_[index_[at]].gpus != gpus) at = (at + 1) % kSlots;
    if (index_[at] == kNone) {
      if (states_.size() == kMaxStates) return;
      index_[at] = static_cast<std::uint32_t>(states_.size());
      states_.push_back({.gpus = gpus, .at = at});
    } else if (value <= states_[index_[at]].value) {
      return;
    }
    State& to = states_[index_[at]];
    links_.push_back({option.action, from.last});
    to.value = value;
    to.actions = from.actions + 1;
    to.last = static_cast<std::uint32_t>(links_.size() - 1);
  }

  // Where the search for a set begins (Fibonacci hashing).
  static std::uint32_t home(GpuMask gpus) {
    return static_cast<std::uint32_t>((gpus * 0x9E3779B97F4A7C15u) >> 32) % kSlots;
  }

  std::vector<State> states_;         // in the order found; the first is "nothing"
  std::vector<State> before_;         // as states_ was when add() began
  std::vector<Link> links_;           // chains of actions, last to first
  std::vector<std::uint32_t> index_;  // hash table of states_ by their GPUs
  std::vector<std::uint32_t> chosen_;
};

}  // namespace regroup
