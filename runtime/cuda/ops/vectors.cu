#include "runtime/cuda/ops/vectors.hpp"

#include "runtime/cuda/ops/device_helpers.hpp"

namespace regroup::cuda {
namespace {

// A warp takes a row of w. The vector stays in the first-level cache; w is read once, and that is
// what it costs.
template <Activation kActivation>
RG_KERNEL __launch_bounds__(kBlockThreads) void matrix_vector_kernel(ConstBf16Rows w,
                                                                     const Bf16* bias,
                                                                     const float* x, float* y) {
  const std::int64_t row = global_warp();
  if (row >= w.rows) return;
  float sum = 0;
  for (std::int64_t c = lane_id() * kVector; c < w.cols; c += kWarpVector) {
    float weights[kVector], values[kVector];
    load8(w.data + row * w.pitch + c, weights);
    load8(x + c, values);
    for (int i = 0; i < kVector; ++i) sum += weights[i] * values[i];
  }
  sum = warp_sum(sum);
  if (lane_id() != 0) return;
  if (bias != nullptr) sum += to_float(bias[row]);
  y[row] = activated<kActivation>(sum);
}

RG_KERNEL __launch_bounds__(kBlockThreads) void silu_kernel(const float* x, std::int64_t size,
                                                            float* out) {
  const std::int64_t i = global_thread();
  if (i < size) out[i] = silu(x[i]);
}

RG_KERNEL __launch_bounds__(kBlockThreads) void add_kernel(const float* a, const float* b,
                                                           std::int64_t size, float* out) {
  const std::int64_t i = global_thread();
  if (i < size) out[i] = a[i] + b[i];
}

RG_KERNEL __launch_bounds__(kBlockThreads) void add_table_kernel(const Bf16* table, const float* x,
                                                                 std::int64_t period,
                                                                 std::int64_t size, float* out) {
  const std::int64_t i = global_thread();
  if (i < size) out[i] = to_float(table[i]) + x[i % period];
}

// In double precision, as on the CPU: the angle is up to 1000, of which float would leave 4 digits.
RG_KERNEL __launch_bounds__(kBlockThreads) void time_features_kernel(const double* t,
                                                                     std::int64_t half,
                                                                     float* out) {
  const std::int64_t i = global_thread();
  if (i >= half) return;
  const double frequency = pow(10000.0, -static_cast<double>(i) / static_cast<double>(half));
  out[i] = static_cast<float>(cos(1000 * *t * frequency));
  out[half + i] = static_cast<float>(sin(1000 * *t * frequency));
}

}  // namespace

void matrix_vector(cudaStream_t stream, ConstBf16Rows w, const Bf16* bias, const float* x, float* y,
                   Activation f) {
  const auto kernel = f == Activation::kGelu   ? matrix_vector_kernel<Activation::kGelu>
                      : f == Activation::kSilu ? matrix_vector_kernel<Activation::kSilu>
                                               : matrix_vector_kernel<Activation::kNone>;
  launch(kernel, warp_per_row(w.rows), stream, w, bias, x, y);
}

void silu(cudaStream_t stream, const float* x, std::int64_t size, float* out) {
  launch(silu_kernel, thread_per(size), stream, x, size, out);
}

void add(cudaStream_t stream, const float* a, const float* b, std::int64_t size, float* out) {
  launch(add_kernel, thread_per(size), stream, a, b, size, out);
}

void add_table(cudaStream_t stream, const Bf16* table, const float* x, std::int64_t period,
               std::int64_t size, float* out) {
  launch(add_table_kernel, thread_per(size), stream, table, x, period, size, out);
}

void time_features(cudaStream_t stream, const double* t, std::int64_t size, float* out) {
  launch(time_features_kernel, thread_per(size / 2), stream, t, size / 2, out);
}

}  // namespace regroup::cuda
