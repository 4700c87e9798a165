// Which GPUs are idle, kept per node so that a look-up does not walk the cluster.
#pragma once

#include <bit>
#include <cstddef>
#include <memory>
#include <vector>

#include "regroup/policy/types.hpp"

namespace regroup {

// The host keeps one of these up to date and shows it as Decisions::idle(). A policy may copy it to
// plan with. A node has at most 64 GPUs with consecutive ids.
// Cost: give, take, contains, widest O(1); pick O(k); a copy O(nodes), some ten bytes each. Where
// giving or taking leaves none of 64 consecutive nodes with some number of idle GPUs, it looks for
// the next 64 that have one: mostly they are near.
class IdleGpus {
 public:
  static constexpr int kMaxGpusPerNode = 64;

  IdleGpus() = default;
  // gpus_per_node[n] is the number of GPUs of node n; all of them busy at first.
  explicit IdleGpus(std::span<const int> gpus_per_node) {
    const std::size_t nodes = gpus_per_node.size();
    auto cluster = std::make_shared<Cluster>();
    int largest = 0;
    for (const int count : gpus_per_node) {
      const auto first = static_cast<std::uint32_t>(cluster->places.size());
      const auto node = static_cast<std::uint32_t>(cluster->first.size());
      cluster->first.push_back(first);
      for (int i = 0; i < count; ++i)
        cluster->places.push_back({node, static_cast<std::uint32_t>(i)});
      largest = std::max(largest, count);
    }
    cluster_ = std::move(cluster);
    nodes_.assign(nodes, {});
    words_ = (nodes + 63) / 64;
    const auto counts = static_cast<std::size_t>(largest) + 1;
    by_count_.assign(counts, {.nodes = 0, .first_word = words_});
    bits_.assign(counts * words_, 0);
    for (std::size_t n = 0; n < nodes; ++n) enter(0, n);
  }

  int count() const { return count_; }
  int count(NodeId node) const { return static_cast<int>(nodes_[node.value].idle); }
  bool contains(GpuId gpu) const {
    if (!known(gpu)) return false;
    const Place place = place_of(gpu);
    return (nodes_[place.node].mask >> place.index & 1u) != 0;
  }
  // Whether the members are idle GPUs of one node, none of them named twice.
  bool contains_on_one_node(const Group& group) const {
    if (group.empty() || !known(group[0])) return false;
    const std::uint32_t node = place_of(group[0]).node;
    std::uint64_t left = nodes_[node].mask;
    for (const GpuId gpu : group) {
      if (!known(gpu)) return false;
      const Place place = place_of(gpu);
      const std::uint64_t bit = std::uint64_t{1} << place.index;
      if (place.node != node || (left & bit) == 0) return false;
      left ^= bit;
    }
    return true;
  }
  NodeId node_of(GpuId gpu) const { return {place_of(gpu).node}; }

  // k idle GPUs of one node: of the node with the fewest idle GPUs that still suffice (so that wide
  // gaps stay whole), lowest ids first. Empty if no node has k.
  Group pick(int k) const {
    Group group;
    const std::size_t node = tightest(k);
    if (node < nodes_.size()) add_lowest(group, node, nodes_[node].mask, k);
    return group;
  }

  // As pick(k), but stays where `keep` lies if that node has k idle GPUs, and takes the idle
  // members of `keep` first, in their order: what need not move stays.
  Group pick(int k, const Group& keep) const {
    if (keep.empty()) return pick(k);
    const std::size_t node = place_of(keep[0]).node;
    if (static_cast<int>(nodes_[node].idle) < k) return pick(k);
    Group group;
    std::uint64_t left = nodes_[node].mask;
    for (const GpuId gpu : keep) {
      if (static_cast<int>(group.size()) == k) break;
      const Place place = place_of(gpu);
      if (place.node != node || (left >> place.index & 1u) == 0) continue;
      group.push_back(gpu);
      left &= ~(std::uint64_t{1} << place.index);
    }
    add_lowest(group, node, left, k - static_cast<int>(group.size()));
    return group;
  }

  // k idle GPUs of that node, lowest ids first. Empty if it has not so many.
  Group pick_on(NodeId node, int k) const {
    Group group;
    if (count(node) >= k) add_lowest(group, node.value, nodes_[node.value].mask, k);
    return group;
  }

  // The most idle GPUs that any one node has.
  int widest() const { return 64 - std::countl_zero(counts_there_are_); }

  // Marks a GPU idle or busy. It must not be so already.
  void give(GpuId gpu) { change({&gpu, 1}, +1); }
  void take(GpuId gpu) { change({&gpu, 1}, -1); }
  // The same for each member, and for those of one node at once.
  void give(const Group& group) { change({group.begin(), group.size()}, +1); }
  void take(const Group& group) { change({group.begin(), group.size()}, -1); }
  // Makes the GPUs of that node idle or busy as they are in `other`, which is of the same cluster.
  void match(NodeId node, const IdleGpus& other) {
    const Idle& wanted = other.nodes_[node.value];
    const auto more = static_cast<int>(wanted.idle) - static_cast<int>(nodes_[node.value].idle);
    toggle(node.value, nodes_[node.value].mask ^ wanted.mask, more);
  }

 private:
  // What never changes; copies share it.
  struct Place {
    std::uint32_t node = 0;
    std::uint32_t index = 0;  // in the node
  };
  struct Cluster {
    std::vector<std::uint32_t> first;  // node -> its first GPU
    std::vector<Place> places;         // by GPU
  };
  struct Idle {
    std::uint64_t mask = 0;  // bit i: the node's GPU i is idle
    std::uint64_t idle = 0;  // how many are
  };
  struct Nodes {  // with some number of idle GPUs
    std::size_t nodes = 0;
    std::size_t first_word = 0;  // the first word of bits_ that has one; words_: there are none
  };

  bool known(GpuId gpu) const { return cluster_ != nullptr && gpu.value < cluster_->places.size(); }
  Place place_of(GpuId gpu) const { return cluster_->places[gpu.value]; }

  void change(std::span<const GpuId> gpus, int delta) {
    for (std::size_t i = 0; i < gpus.size();) {
      const Place first = place_of(gpus[i]);
      std::uint64_t members = std::uint64_t{1} << first.index;
      int more = delta;
      for (++i; i < gpus.size(); ++i, more += delta) {
        const Place next = place_of(gpus[i]);
        if (next.node != first.node) break;
        members |= std::uint64_t{1} << next.index;
      }
      toggle(first.node, members, more);
    }
  }

  void toggle(std::size_t at, std::uint64_t members, int more) {
    Idle& node = nodes_[at];
    node.mask ^= members;
    count_ += more;
    if (more == 0) return;
    leave(node.idle, at);
    node.idle += static_cast<std::uint64_t>(more);
    enter(node.idle, at);
  }

  // Of counts_there_are_; none for 0.
  static std::uint64_t bit_of(std::size_t idle) {
    return std::uint64_t{idle > 0} << ((idle - 1) & 63);
  }

  // The node is one of those with that many idle GPUs.
  void enter(std::size_t idle, std::size_t node) {
    const std::size_t word = node / 64;
    bits_[idle * words_ + word] |= std::uint64_t{1} << (node % 64);
    Nodes& with = by_count_[idle];
    with.first_word = std::min(with.first_word, word);
    if (with.nodes++ == 0) counts_there_are_ |= bit_of(idle);
  }
  void leave(std::size_t idle, std::size_t node) {
    const std::size_t word = node / 64;
    std::uint64_t* const bits = &bits_[idle * words_];
    bits[word] &= ~(std::uint64_t{1} << (node % 64));
    Nodes& with = by_count_[idle];
    if (--with.nodes == 0) {
      with.first_word = words_;
      counts_there_are_ &= ~bit_of(idle);
    } else if (word == with.first_word) {
      while (bits[with.first_word] == 0) ++with.first_word;
    }
  }

  // The first node of those with the fewest idle GPUs that are at least k; one past the last node
  // if there is none.
  std::size_t tightest(int k) const {
    if (k < 1 || k > widest()) return nodes_.size();
    const std::uint64_t enough = counts_there_are_ >> (k - 1);
    const auto idle = static_cast<std::size_t>(k + std::countr_zero(enough));
    const std::size_t word = by_count_[idle].first_word;
    return word * 64 + static_cast<std::size_t>(std::countr_zero(bits_[idle * words_ + word]));
  }

  void add_lowest(Group& group, std::size_t node, std::uint64_t from, int k) const {
    for (; k > 0 && from != 0; --k, from &= from - 1)
      group.push_back({cluster_->first[node] + static_cast<std::uint32_t>(std::countr_zero(from))});
  }

  std::shared_ptr<const Cluster> cluster_;
  std::vector<Idle> nodes_;
  std::uint64_t counts_there_are_ = 0;  // bit c - 1: some node has exactly c idle GPUs
  std::size_t words_ = 0;               // 64-bit words that hold one bit a node
  std::vector<Nodes> by_count_;         // [idle count]
  std::vector<std::uint64_t> bits_;     // [idle count][word]: which nodes these are
  int count_ = 0;
};

}  // namespace regroup
