#include "runtime/cuda/ops/rope.hpp"

#include <cmath>

namespace regroup::cuda {

std::vector<float> rope_angles(const TokenGrid& grid) {
  constexpr double kBase = 10000;
  const int extent[3] = {grid.frames, grid.rows, grid.columns};
  std::vector<float> angles;
  for (int axis = 0; axis < 3; ++axis)
    for (int position = 0; position < extent[axis]; ++position)
      for (int k = 0; k < grid.axes[axis]; k += 2) {
        const double angle = position * std::pow(kBase, -static_cast<double>(k) / grid.axes[axis]);
        angles.push_back(static_cast<float>(std::cos(angle)));
        angles.push_back(static_cast<float>(std::sin(angle)));
      }
  return angles;
}

}  // namespace regroup::cuda
