// A warp takes the query, the key or the value of one token, a lane eight neighbouring numbers at a
// time. A head has head_dim / 8 lanes, and 256 is a multiple of head_dim, so that a lane meets the
// same place of every head it comes to: its angles, and a head's gains, are loaded once.
#include "runtime/cuda/ops/device_helpers.hpp"
#include "runtime/cuda/ops/shape_checks.hpp"

namespace regroup::cuda {
namespace {

constexpr float kEpsilon = 1e-6f;
constexpr int kPairs = kVector / 2;

enum Tensor : unsigned { kQuery, kKey, kValue, kTensors };

// Cosine and sine of one pair of a head, for the token at this place of the grid.
__device__ float2 angle(const DeviceRope& rope, const int (&at)[3], int pair) {
  const int extent[3] = {rope.grid.frames, rope.grid.rows, rope.grid.columns};
  const float* axis = rope.angles;
  for (int a = 0; a < 3; ++a) {
    const int pairs = rope.grid.axes[a] / 2;
    if (pair < pairs) return reinterpret_cast<const float2*>(axis)[at[a] * pairs + pair];
    pair -= pairs;
    axis += 2 * extent[a] * pairs;
  }
  return make_float2(1, 0);
}

// The angles of the lane's pairs for row `row`; text does not turn.
__device__ void load_angles(const HeadInputs& in, std::int64_t row, float2 (&angles)[kPairs]) {
  for (float2& none : angles) none = make_float2(1, 0);
  if (row < in.text_rows) return;
  const int token = *in.first_latent + static_cast<int>(row - in.text_rows);
  const TokenGrid& grid = in.rope.grid;
  const int at[3] = {token / (grid.rows * grid.columns), token / grid.columns % grid.rows,
                     token % grid.columns};
  const int first = lane_id() * kVector % in.head_dim / 2;
  for (int i = 0; i < kPairs; ++i) angles[i] = angle(in.rope, at, first + i);
}

// 1 / sqrt(mean square + epsilon) over the whole row.
__device__ float row_scale(const Bf16* row, int cols) {
  float squares = 0;
  for (int c = lane_id() * kVector; c < cols; c += kWarpVector) {
    float values[kVector];
    load8(row + c, values);
    for (float value : values) squares += value * value;
  }
  return fast_rsqrt(warp_sum(squares) / static_cast<float>(cols) + kEpsilon);
}

// Likewise over the head that the lane is in.
__device__ float head_scale(const float (&values)[kVector], int head_dim) {
  float squares = 0;
  for (float value : values) squares += value * value;
  return fast_rsqrt(lanes_sum(squares, head_dim / kVector) / static_cast<float>(head_dim) +
                    kEpsilon);
}

__device__ void turn(float (&values)[kVector], const float2 (&angles)[kPairs]) {
  for (int i = 0; i < kPairs; ++i) {
    const float a = values[2 * i], b = values[2 * i + 1];
    values[2 * i] = a * angles[i].x - b * angles[i].y;
    values[2 * i + 1] = a * angles[i].y + b * angles[i].x;
  }
}

template <HeadNorm kNorm>
__device__ void norm_and_turn(const HeadInputs& in, const Bf16* from, const Bf16* gain,
                              std::int64_t row, Bf16* to) {
  const int cols = in.heads * in.head_dim;
  float2 angles[kPairs];
  load_angles(in, row, angles);
  const float whole = kNorm == HeadNorm::kAllHeads ? row_scale(from, cols) : 1;
  // All lanes stay to the end, for they add up together.
  for (int first = 0; first < cols; first += kWarpVector) {
    const int c = first + lane_id() * kVector;
    float values[kVector] = {};
    if (c < cols) load8(from + c, values);
    const float scale = kNorm == HeadNorm::kEachHead ? head_scale(values, in.head_dim) : whole;
    if (c >= cols) continue;
    float gains[kVector];
    load8(gain + (kNorm == HeadNorm::kEachHead ? c % in.head_dim : c), gains);
    for (int i = 0; i < kVector; ++i) values[i] *= scale * gains[i];
    turn(values, angles);
    store8(to + c, values);
  }
}

template <HeadNorm kNorm>
RG_KERNEL __launch_bounds__(kBlockThreads) void split_heads_kernel(
    const __grid_constant__ HeadInputs in, Bf16* out, std::int64_t plane) {
  const std::int64_t row = global_warp();
  if (row >= in.projected.rows) return;
  const int cols = in.heads * in.head_dim;
  const unsigned tensor = blockIdx.y;
  const Bf16* const from = in.projected.data + row * in.projected.pitch + tensor * cols;
  Bf16* const to = out + tensor * plane + row * cols;
  if (tensor == kValue) {
    for (int c = lane_id() * kVector; c < cols; c += kWarpVector)
      *reinterpret_cast<uint4*>(to + c) = *reinterpret_cast<const uint4*>(from + c);
    return;
  }
  norm_and_turn<kNorm>(in, from, tensor == kQuery ? in.query_gain : in.key_gain, row, to);
}

}  // namespace

void split_heads(cudaStream_t stream, const HeadInputs& inputs, Bf16* out, std::int64_t plane) {
  check_head_dim(inputs.head_dim);
  if (inputs.projected.rows == 0) return;
  LaunchShape shape = warp_per_row(inputs.projected.rows);
  shape.grid.y = kTensors;
  launch(inputs.norm == HeadNorm::kEachHead ? split_heads_kernel<HeadNorm::kEachHead>
                                            : split_heads_kernel<HeadNorm::kAllHeads>,
         shape, stream, inputs, out, plane);
}

}  // namespace regroup::cuda
