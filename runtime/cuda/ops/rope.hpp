// Rotary position embedding of a token grid, as runtime/dit/rope.hpp: the angles of every frame,
// row and column, computed once on the host in double precision. C++17.
#pragma once

#include <cstdint>
#include <vector>

namespace regroup::cuda {

// The latent tokens of a shape, in the order (frame, row, column), and how many numbers of a head
// turn with each of the three (FLUX.1: 16, 56, 56; Wan2.1: 44, 42, 42). Even; their sum is
// head_dim.
struct TokenGrid {
  int frames = 1, rows = 1, columns = 1;
  int axes[3] = {0, 0, 0};
};

// One cosine and one sine for every pair of every position of an axis: axis after axis,
// [position][pair][cos, sin]. To be copied to the device before arming; a few tens of KiB.
std::vector<float> rope_angles(const TokenGrid& grid);

// A grid with its angles in device memory.
struct DeviceRope {
  TokenGrid grid;
  const float* angles = nullptr;  // aligned to 8 bytes
};

}  // namespace regroup::cuda
