// Who runs on which GPUs, and in which order lanes that share some of them have their turn. Private
// to the built-in policies.
#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "regroup/policy/types.hpp"

namespace regroup {

inline constexpr std::size_t kNoLane = ~std::size_t{0};

// A lane is in line, or holds GPUs, or neither. Nobody keeps GPUs free for a lane in line: it has
// its turn when it is asked whether it can start and finds them idle. Lanes are asked in the order
// in which they joined, and again whenever a GPU of theirs was let go.
//
// Cost: O(GPUs of a group x lanes that share one of them).
class LaneTurns {
 public:
  // Once each, lanes counting from 0, for a cluster of that many GPUs.
  void add_lane(const Group& gpus, std::size_t cluster) {
    lanes_of_gpu_.resize(cluster);
    holder_.resize(cluster, kNoLane);
    for (const GpuId gpu : gpus) lanes_of_gpu_[gpu.value].push_back(ticket_.size());
    ticket_.push_back(kNotInLine);
  }

  const std::vector<std::size_t>& lanes_of(GpuId gpu) const { return lanes_of_gpu_[gpu.value]; }
  std::size_t holder(GpuId gpu) const { return holder_[gpu.value]; }  // or kNoLane

  bool in_line(std::size_t lane) const { return ticket_[lane] != kNotInLine; }
  void join(std::size_t lane) {
    ticket_[lane] = ++joined_;
    hopeful_.emplace(ticket_[lane], lane);
  }
  void give_up(std::size_t lane) {
    hopeful_.erase({ticket_[lane], lane});
    ticket_[lane] = kNotInLine;
  }

  // From the line to the GPUs.
  void hold(std::size_t lane, const Group& group) {
    give_up(lane);
    for (const GpuId gpu : group) holder_[gpu.value] = lane;
  }
  void let_go(const Group& group) {
    for (const GpuId gpu : group) {
      holder_[gpu.value] = kNoLane;
      changed(gpu);
    }
  }
  // The GPU may be what somebody in line was waiting for, or no more.
  void changed(GpuId gpu) {
    for (const std::size_t lane : lanes_of(gpu))
      if (in_line(lane)) hopeful_.emplace(ticket_[lane], lane);
  }

  // The next lane to be asked whether it can start, kNoLane once all have been.
  std::size_t next_hopeful() {
    if (hopeful_.empty()) return kNoLane;
    return hopeful_.extract(hopeful_.begin()).value().second;
  }

  // Whether a lane with one of these GPUs is in line.
  bool wanted(const Group& group) const {
    for (const GpuId gpu : group)
      for (const std::size_t lane : lanes_of(gpu))
        if (in_line(lane)) return true;
    return false;
  }

 private:
  static constexpr std::uint64_t kNotInLine = 0;

  std::vector<std::vector<std::size_t>> lanes_of_gpu_;
  std::vector<std::size_t> holder_;                          // by GPU
  std::vector<std::uint64_t> ticket_;                        // by lane: numbered as they joined
  std::set<std::pair<std::uint64_t, std::size_t>> hopeful_;  // (ticket, lane) to be asked
  std::uint64_t joined_ = 0;
};

}  // namespace regroup
