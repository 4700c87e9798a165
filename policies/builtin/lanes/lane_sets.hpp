// Ways to cut a cluster into lanes, and to take turns among them. Private to the built-in policies.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "policies/builtin/lanes/bound_lanes.hpp"

namespace regroup {

// Sliding: every window of consecutive GPUs of a node is a lane, so that lanes overlap (what the
// simulator of GF-DiT takes by default). Partition: side by side; GPUs that are left over idle.
// Its list of groups is the single GPUs, the windows of 2 and of 4, and the node: a node of 2 or 4
// GPUs is in it twice, and so it is here.
enum class LaneCut : std::uint8_t { kSliding, kPartition };

inline LaneCut lane_cut(const Params& params) {
  const std::string text =
      params.get("lanes", "sliding",
                 "sliding: every window of consecutive GPUs of a node, they overlap; partition: "
                 "side by side");
  if (text == "sliding") return LaneCut::kSliding;
  if (text == "partition") return LaneCut::kPartition;
  throw std::invalid_argument("lanes=" + text + ": sliding or partition");
}

inline int lane_degree(int degree) {
  if (degree >= 1 && degree <= static_cast<int>(kMaxGroupSize)) return degree;
  throw std::invalid_argument("degree " + std::to_string(degree) + ": " +
                              (degree < 1 ? "at least 1" : "at most 32"));
}

// The lanes of that many GPUs, by node; none if no node has so many.
inline std::vector<Group> lanes_of(std::span<const Node> nodes, int degree, LaneCut cut) {
  std::vector<Group> lanes;
  const int stride = cut == LaneCut::kSliding ? 1 : degree;
  for (const Node& node : nodes) {
    for (int first = 0; first + degree <= node.count; first += stride) {
      Group& lane = lanes.emplace_back();
      for (int i = 0; i < degree; ++i)
        lane.push_back({node.first.value + static_cast<std::uint32_t>(first + i)});
    }
    const bool twice = degree == node.count && (degree == 2 || degree == 4);
    if (cut == LaneCut::kSliding && twice) lanes.push_back(Group(lanes.back()));
  }
  return lanes;
}

// As lanes_of(), and std::invalid_argument where there are none.
inline std::vector<Group> some_lanes_of(std::span<const Node> nodes, int degree, LaneCut cut) {
  std::vector<Group> lanes = lanes_of(nodes, degree, cut);
  if (lanes.empty())
    throw std::invalid_argument("degree " + std::to_string(degree) +
                                ": no node has that many GPUs");
  return lanes;
}

// One lane for each node, as wide as a group can be; sliding, see LaneCut.
inline std::vector<Group> whole_nodes(std::span<const Node> nodes,
                                      LaneCut cut = LaneCut::kPartition) {
  std::vector<Group> lanes;
  for (const Node& node : nodes) {
    const int width = std::min(node.count, static_cast<int>(kMaxGroupSize));
    const Node widest{.id = node.id, .first = node.first, .count = width};
    for (const Group& lane : lanes_of({&widest, 1}, width, cut)) lanes.push_back(lane);
  }
  return lanes;
}

// Goes round the lanes [first, end), past those without a working GPU.
class RoundRobin {
 public:
  RoundRobin() = default;
  RoundRobin(std::size_t first, std::size_t end) : first_(first), end_(end) {}

  // Nothing if none of them works.
  std::optional<std::size_t> next(const BoundLanes& lanes, const ClusterView& view) {
    const std::size_t count = end_ - first_;
    for (std::size_t tried = 0; tried < count; ++tried) {
      const std::size_t lane = first_ + turn_++ % count;
      if (lanes.working(view, lane) > 0) return lane;
    }
    return std::nullopt;
  }

 private:
  std::size_t first_ = 0;
  std::size_t end_ = 0;
  std::size_t turn_ = 0;
};

}  // namespace regroup
