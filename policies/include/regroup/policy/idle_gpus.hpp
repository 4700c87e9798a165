// Which GPUs are idle, kept per node so that a look-up does not walk the cluster.
#pragma once

#include <bit>
#include <cstddef>
#include <vector>

#include "regroup/policy/types.hpp"

namespace regroup {

// The host keeps one of these up to date and shows it as Decisions::idle(). A policy may copy it to
// plan with. A node has at most 64 GPUs with consecutive ids.
// Cost: give, take, contains O(1); pick O(nodes / 64 + k).
class IdleGpus {
 public:
  static constexpr int kMaxGpusPerNode = 64;

  IdleGpus() = default;
  // gpus_per_node[n] is the number of GPUs of node n; all of them busy at first.
  explicit IdleGpus(std::span<const int> gpus_per_node) {
    const std::size_t nodes = gpus_per_node.size();
    std::uint32_t next = 0;
    int largest = 0;
    for (const int count : gpus_per_node) {
      first_.push_back(next);
      for (int i = 0; i < count; ++i)
        node_of_.push_back(static_cast<std::uint32_t>(first_.size() - 1));
      next += static_cast<std::uint32_t>(count);
      largest = std::max(largest, count);
    }
    mask_.assign(nodes, 0);
    words_ = (nodes + 63) / 64;
    by_count_.assign((static_cast<std::size_t>(largest) + 1) * words_, 0);
    for (std::size_t n = 0; n < nodes; ++n) flip(0, n);
  }

  int count() const { return count_; }
  int count(NodeId node) const { return std::popcount(mask_[node.value]); }
  bool contains(GpuId gpu) const {
    return gpu.value < node_of_.size() && (mask_[node_of_[gpu.value]] & bit(gpu)) != 0;
  }
  NodeId node_of(GpuId gpu) const { return {node_of_[gpu.value]}; }

  // k idle GPUs of one node: of the node with the fewest idle GPUs that still suffice (so that wide
  // gaps stay whole), lowest ids first. Empty if no node has k.
  Group pick(int k) const {
    Group group;
    const std::size_t node = tightest(k);
    if (node < mask_.size()) add_lowest(group, node, mask_[node], k);
    return group;
  }

  // As pick(k), but stays where `keep` lies if that node has k idle GPUs, and takes the idle
  // members of `keep` first, in their order: what need not move stays.
  Group pick(int k, const Group& keep) const {
    if (keep.empty()) return pick(k);
    const std::size_t node = node_of_[keep[0].value];
    if (std::popcount(mask_[node]) < k) return pick(k);
    Group group;
    std::uint64_t left = mask_[node];
    for (const GpuId gpu : keep) {
      if (static_cast<int>(group.size()) == k) break;
      if (node_of_[gpu.value] != node || (left & bit(gpu)) == 0) continue;
      group.push_back(gpu);
      left &= ~bit(gpu);
    }
    add_lowest(group, node, left, k - static_cast<int>(group.size()));
    return group;
  }

  // k idle GPUs of that node, lowest ids first. Empty if it has not so many.
  Group pick_on(NodeId node, int k) const {
    Group group;
    if (count(node) >= k) add_lowest(group, node.value, mask_[node.value], k);
    return group;
  }

  // The most idle GPUs that any one node has.
  int widest() const {
    if (words_ == 0) return 0;
    for (std::size_t c = by_count_.size() / words_; c-- > 0;)
      for (std::size_t w = 0; w < words_; ++w)
        if (by_count_[c * words_ + w] != 0) return static_cast<int>(c);
    return 0;
  }

  // Marks a GPU idle or busy. It must not be so already.
  void give(GpuId gpu) { change(gpu, +1); }
  void take(GpuId gpu) { change(gpu, -1); }
  void take(const Group& group) {
    for (const GpuId gpu : group) take(gpu);
  }

 private:
  std::uint64_t bit(GpuId gpu) const {
    return std::uint64_t{1} << (gpu.value - first_[node_of_[gpu.value]]);
  }
  void flip(std::size_t idle, std::size_t node) {
    by_count_[idle * words_ + node / 64] ^= std::uint64_t{1} << (node % 64);
  }
  void change(GpuId gpu, int delta) {
    const std::size_t node = node_of_[gpu.value];
    const auto before = static_cast<std::size_t>(std::popcount(mask_[node]));
    flip(before, node);
    mask_[node] ^= bit(gpu);
    flip(static_cast<std::size_t>(static_cast<int>(before) + delta), node);
    count_ += delta;
  }
  std::size_t tightest(int k) const {
    if (words_ > 0 && k > 0) {
      for (auto c = static_cast<std::size_t>(k); c < by_count_.size() / words_; ++c)
        for (std::size_t w = 0; w < words_; ++w)
          if (const std::uint64_t word = by_count_[c * words_ + w]; word != 0)
            return w * 64 + static_cast<std::size_t>(std::countr_zero(word));
    }
    return mask_.size();
  }
  void add_lowest(Group& group, std::size_t node, std::uint64_t from, int k) const {
    for (; k > 0 && from != 0; --k, from &= from - 1)
      group.push_back({first_[node] + static_cast<std::uint32_t>(std::countr_zero(from))});
  }

  std::vector<std::uint32_t> first_;     // node -> its first GPU
  std::vector<std::uint32_t> node_of_;   // GPU -> node
  std::vector<std::uint64_t> mask_;      // node -> bit i set: GPU first_ + i is idle
  std::size_t words_ = 0;                // 64-bit words that hold one bit a node
  std::vector<std::uint64_t> by_count_;  // [idle count][word]: the nodes with that many idle GPUs
  int count_ = 0;
};

}  // namespace regroup
