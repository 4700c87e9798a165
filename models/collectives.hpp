// How long the ranks of a group take to exchange data.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/topology.hpp"

namespace regroup::models {

class Json;

// Measured times of one kind of GPU within a node, by operation, ranks and size.
class CollectiveTable {
 public:
  enum class Operation { kAllToAll, kAllGather };

  // A file of models/data/collectives. Throws ConfigError.
  static CollectiveTable parse(const Json& json);

  const std::string& name() const { return name_; }
  const std::string& source() const { return source_; }

  // Seconds for `bytes` as nccl-tests counts them: what a rank holds before an all-to-all, or after
  // an all-gather. Straight lines between measured points in log size and log time; below the
  // smallest size its time, above the largest its rate. A number of ranks that was not measured
  // counts as the next larger one.
  double seconds(Operation operation, int ranks, double bytes) const;

 private:
  struct Curve {
    Operation operation{};
    int ranks = 0;
    std::vector<double> bytes, seconds;  // ascending
  };

  std::string name_, source_;
  std::vector<Curve> curves_;  // by operation, then ranks
};

// The collectives of groups on one cluster: measured tables where there are, else latency plus
// bytes over bandwidth. Groups wider than a node add what goes through the NICs.
class Collectives {
 public:
  // `table` may be null: then `wire` is used for every operation.
  Collectives(std::shared_ptr<const CollectiveTable> table, Path wire, Path network,
              int gpus_per_node)
      : table_(std::move(table)), wire_(wire), network_(network), gpus_per_node_(gpus_per_node) {}

  // Every rank holds `bytes` and keeps 1/ranks of them.
  double all_to_all(int ranks, double bytes) const {
    return seconds(CollectiveTable::Operation::kAllToAll, ranks, bytes);
  }
  // Every rank sends `bytes` to its neighbour and receives as many.
  double exchange(int ranks, double bytes) const;

 private:
  double seconds(CollectiveTable::Operation operation, int ranks, double bytes) const;

  std::shared_ptr<const CollectiveTable> table_;
  Path wire_, network_;
  int gpus_per_node_;
};

}  // namespace regroup::models
