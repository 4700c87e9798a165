// The shapes that were prepared, each with how to compute it. C++17.
#pragma once

#include <utility>
#include <vector>

namespace regroup::cuda {

// A step has some tens of shapes, so looking them through costs less than hashing one.
template <class Shape, class Plan>
class Prepared {
 public:
  // nullptr if there is none. Valid until the next add().
  Plan* find(const Shape& shape) {
    for (auto& [known, plan] : plans_)
      if (known == shape) return &plan;
    return nullptr;
  }
  void add(const Shape& shape, Plan plan) { plans_.emplace_back(shape, std::move(plan)); }

 private:
  std::vector<std::pair<Shape, Plan>> plans_;
};

}  // namespace regroup::cuda
