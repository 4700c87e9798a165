// Which NCCL communicators exist.
#pragma once

#include <list>
#include <map>
#include <vector>

#include "regroup/policy/types.hpp"

namespace regroup::models {

// The most recently used ones, by ordered set of GPUs: (0, 1) and (1, 0) are two.
class Communicators {
 public:
  // Keeps at least one.
  explicit Communicators(int kept) : kept_(kept < 1 ? 1 : static_cast<std::size_t>(kept)) {}

  bool contains(const Group& group) const { return entries_.contains(key(group)); }
  // The group was formed, or formed before and used again.
  void use(const Group& group);

 private:
  using Key = std::vector<GpuId>;
  static Key key(const Group& group) { return {group.begin(), group.end()}; }

  std::size_t kept_;
  std::list<Key> order_;  // latest use first
  std::map<Key, std::list<Key>::iterator> entries_;
};

}  // namespace regroup::models
