// The GPUs of a node as bits, so that plans over sets of them are arithmetic.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <utility>
#include <vector>

#include "policies/builtin/steps/mask_plan.hpp"
#include "regroup/policy/policy.hpp"

namespace regroup {

// Bit i of a mask is the i-th GPU of the node that works: a window of consecutive ones steps over
// what has failed, so every width up to count() can be had.
// Cost: update() O(GPUs), for the first call and after failures only; the rest O(GPUs of the node).
class NodeMasks {
 public:
  // Call it first in every decide().
  void update(const ClusterView& view) {
    bool changed = position_.empty();
    for (const Change& change : view.changes())
      changed |=
          change.kind == Change::Kind::kGpuFailed || change.kind == Change::Kind::kGpuRepaired;
    if (!changed) return;
    position_.assign(view.gpus().size(), kFailed);
    node_.clear();
    working_.assign(view.nodes().size(), {});
    for (const Gpu& gpu : view.gpus()) {
      node_.push_back(gpu.node.value);
      if (gpu.state == GpuState::kFailed) continue;
      position_[gpu.id.value] = static_cast<int>(working_[gpu.node.value].size());
      working_[gpu.node.value].push_back(gpu.id);
    }
  }

  std::size_t size() const { return working_.size(); }  // nodes
  int count(std::size_t node) const { return static_cast<int>(working_[node].size()); }
  std::span<const GpuId> working(std::size_t node) const { return working_[node]; }
  std::size_t node_of(GpuId gpu) const { return node_[gpu.value]; }

  GpuMask idle(std::size_t node, const IdleGpus& idle) const {
    GpuMask mask = 0;
    for (std::size_t i = 0; i < working_[node].size(); ++i)
      if (idle.contains(working_[node][i])) mask |= GpuMask{1} << i;
    return mask;
  }
  // Nothing if one of them has failed, or is of another node.
  GpuMask mask(std::size_t node, const Group& group) const {
    GpuMask mask = 0;
    for (const GpuId gpu : group) {
      if (node_[gpu.value] != node || position_[gpu.value] == kFailed) return 0;
      mask |= GpuMask{1} << position_[gpu.value];
    }
    return mask;
  }
  // The GPUs of a mask, lowest first.
  Group group(std::size_t node, GpuMask mask) const {
    Group group;
    for (; mask != 0; mask &= mask - 1)
      group.push_back(working_[node][static_cast<std::size_t>(std::countr_zero(mask))]);
    return group;
  }
  // `width` consecutive GPUs from `first` on.
  static GpuMask window(int first, int width) {
    const GpuMask ones = width >= 64 ? ~GpuMask{0} : (GpuMask{1} << width) - 1;
    return ones << first;
  }

 private:
  static constexpr int kFailed = -1;
  std::vector<std::vector<GpuId>> working_;  // node -> its GPUs that work, ascending
  std::vector<int> position_;                // GPU -> its bit, or kFailed
  std::vector<std::uint32_t> node_;          // GPU -> node
};

}  // namespace regroup
