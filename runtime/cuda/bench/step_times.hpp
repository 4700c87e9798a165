// How long a denoising step takes when ranks carry it out as they do while serving: state in, all
// exchanges, state out.
#pragma once

#include <string>
#include <vector>

#include "runtime/cuda/backend/cuda_node.hpp"

namespace regroup::cuda {

struct StepTimesOptions {
  int steps = 20;     // measured, after two that are not
  bool busy = false;  // as many such groups as there is room for work at the same time; else one
};

struct StepTimes {
  std::string model;
  Shape shape{};
  bool guided = false;
  Layout layout{};
  int groups = 1;               // that worked at the same time
  std::vector<double> seconds;  // of each step of each group, on its first member's clock
  double flops = 0;             // of one step (dit/flops.hpp)

  double median_s() const;
  // Achieved by one group.
  double tflops_per_s() const { return flops / median_s() / 1e12; }
};

// Of every model, shape and layout that the node serves. `node` is armed, its ranks have no threads
// yet. Throws SystemError with what a rank says when a step fails.
std::vector<StepTimes> measure_step_times(const Machine& machine, CudaNode& node,
                                          const std::vector<ServedModel>& models,
                                          const StepTimesOptions& options);

}  // namespace regroup::cuda
