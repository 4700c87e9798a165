// Whether a request comes out the same however many ranks share its steps: full-size models, with
// the libraries and the exchanges that serving uses.
#pragma once

#include <string>
#include <vector>

#include "runtime/cuda/backend/cuda_node.hpp"

namespace regroup::cuda {

struct StepAgreement {
  std::string model;
  Shape shape{};
  bool guided = false;
  Layout layout{};
  int steps = 0;
  // |x - x1| / |x1 - x0| over all latents, with x0 where both began and x1 what one rank alone came
  // to: by how much of the way they differ. Not finite if a number is not.
  double error = 0;

  bool holds() const { return error <= kAllowed; }
  // Sums in bf16, in another order at every degree, through some steps.
  static constexpr double kAllowed = 3e-2;
};

// Of every model, shape and layout that the node serves but one rank alone, which is the first of
// each shape. Conditions and errors as measure_step_times().
std::vector<StepAgreement> compare_layouts(const Machine& machine, CudaNode& node,
                                           const std::vector<ServedModel>& models, int steps);

}  // namespace regroup::cuda
