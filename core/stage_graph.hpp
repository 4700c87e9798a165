// The stages of a model and which waits for which.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "regroup/policy/types.hpp"

namespace regroup {

struct Stage {
  std::string name;  // "denoise"
  StageKind kind = StageKind::kOther;
};

// A directed acyclic graph with one sink (the stage that ends the request). Immutable.
// Stages that nothing precedes are ready on arrival; a stage is ready when all before it are done.
class StageGraph {
 public:
  static constexpr std::size_t kMaxStages = 16;

  // One edge: `after` waits for `before`. Throws ConfigError, naming the stages, for: no stage or
  // more than kMaxStages, a name given twice, an unknown name, a cycle, more than one end, not
  // exactly one denoise stage, a stage that neither leads to denoising nor follows it.
  struct Edge {
    std::string before, after;
  };
  StageGraph(std::vector<Stage> stages, std::span<const Edge> edges);

  // encode -> denoise -> decode.
  static StageGraph chain();

  std::size_t size() const { return stages_.size(); }
  const Stage& stage(std::size_t i) const { return stages_[i]; }
  std::span<const std::uint8_t> before(std::size_t i) const { return before_[i]; }
  std::span<const std::uint8_t> after(std::size_t i) const { return after_[i]; }
  std::span<const std::uint8_t> topological() const { return order_; }
  std::size_t denoise() const { return denoise_; }
  std::size_t sink() const { return sink_; }

 private:
  std::vector<Stage> stages_;
  std::vector<std::vector<std::uint8_t>> before_, after_;
  std::vector<std::uint8_t> order_;  // every stage after those it waits for; ties by position
  std::size_t denoise_ = 0;
  std::size_t sink_ = 0;
};

}  // namespace regroup
