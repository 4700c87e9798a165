// A warp takes a row. It reads the row once for each sum and once for the result; the later reads
// come from the first-level cache, which holds the rows that an SM is working on.
#include "runtime/cuda/ops/device_helpers.hpp"

namespace regroup::cuda {
namespace {

constexpr float kEpsilon = 1e-6f;  // of FLUX's and Wan's norms

__device__ float row_mean(const Bf16* row, std::int64_t cols) {
  float sum = 0;
  for (std::int64_t c = lane_id() * kVector; c < cols; c += kWarpVector) {
    float values[kVector];
    load8(row + c, values);
    for (int i = 0; i < kVector; ++i) sum += values[i];
  }
  return warp_sum(sum) / static_cast<float>(cols);
}

// 1 / sqrt(mean of (x - center)^2 + epsilon).
__device__ float row_scale(const Bf16* row, std::int64_t cols, float center) {
  float squares = 0;
  for (std::int64_t c = lane_id() * kVector; c < cols; c += kWarpVector) {
    float values[kVector];
    load8(row + c, values);
    for (int i = 0; i < kVector; ++i) squares += (values[i] - center) * (values[i] - center);
  }
  return fast_rsqrt(warp_sum(squares) / static_cast<float>(cols) + kEpsilon);
}

// What is done to the normed row: * gain + offset, from weights or from a modulation.
struct Weights {
  const Bf16* gain;
  const Bf16* offset;
  __device__ void load(std::int64_t c, float (&gains)[kVector], float (&offsets)[kVector]) const {
    load8(gain + c, gains);
    load8(offset + c, offsets);
  }
};
struct Modulation {
  const float* shift;
  const float* scale;
  __device__ void load(std::int64_t c, float (&gains)[kVector], float (&offsets)[kVector]) const {
    load8(scale + c, gains);
    load8(shift + c, offsets);
    for (int i = 0; i < kVector; ++i) gains[i] += 1;
  }
};

template <class Affine>
RG_KERNEL __launch_bounds__(kBlockThreads) void layer_norm_kernel(ConstBf16Rows x, Affine affine,
                                                                  Bf16Rows out) {
  const std::int64_t row = global_warp();
  if (row >= x.rows) return;
  const Bf16* const from = x.data + row * x.pitch;
  Bf16* const to = out.data + row * out.pitch;
  const float mean = row_mean(from, x.cols);
  const float scale = row_scale(from, x.cols, mean);
  for (std::int64_t c = lane_id() * kVector; c < x.cols; c += kWarpVector) {
    float values[kVector], gains[kVector], offsets[kVector];
    load8(from + c, values);
    affine.load(c, gains, offsets);
    for (int i = 0; i < kVector; ++i)
      values[i] = (values[i] - mean) * scale * gains[i] + offsets[i];
    store8(to + c, values);
  }
}

RG_KERNEL __launch_bounds__(kBlockThreads) void rms_norm_kernel(Bf16Rows x, const Bf16* gain) {
  const std::int64_t row = global_warp();
  if (row >= x.rows) return;
  Bf16* const at = x.data + row * x.pitch;
  const float scale = row_scale(at, x.cols, 0);
  for (std::int64_t c = lane_id() * kVector; c < x.cols; c += kWarpVector) {
    float values[kVector], gains[kVector];
    load8(at + c, values);
    load8(gain + c, gains);
    for (int i = 0; i < kVector; ++i) values[i] *= scale * gains[i];
    store8(at + c, values);
  }
}

}  // namespace

void layer_norm(cudaStream_t stream, ConstBf16Rows x, const Bf16* gain, const Bf16* offset,
                Bf16Rows out) {
  if (x.rows == 0) return;
  launch(layer_norm_kernel<Weights>, warp_per_row(x.rows), stream, x, Weights{gain, offset}, out);
}

void modulated_norm(cudaStream_t stream, ConstBf16Rows x, const float* shift, const float* scale,
                    Bf16Rows out) {
  if (x.rows == 0) return;
  launch(layer_norm_kernel<Modulation>, warp_per_row(x.rows), stream, x, Modulation{shift, scale},
         out);
}

void rms_norm(cudaStream_t stream, Bf16Rows x, const Bf16* gain) {
  if (x.rows == 0) return;
  launch(rms_norm_kernel, warp_per_row(x.rows), stream, x, gain);
}

}  // namespace regroup::cuda
