// Element by element: a thread takes eight neighbouring numbers of a row.
#include "runtime/cuda/ops/device_helpers.hpp"

namespace regroup::cuda {
namespace {

RG_KERNEL __launch_bounds__(kBlockThreads) void add_gated_kernel(Bf16Rows x, const float* gate,
                                                                 ConstBf16Rows y) {
  const std::int64_t row = blockIdx.x, c = vector_column();
  if (c >= x.cols) return;
  float sum[kVector], added[kVector], gates[kVector];
  load8(x.data + row * x.pitch + c, sum);
  load8(y.data + row * y.pitch + c, added);
  for (float& g : gates) g = 1;
  if (gate != nullptr) load8(gate + c, gates);
  for (int i = 0; i < kVector; ++i) sum[i] += gates[i] * added[i];
  store8(x.data + row * x.pitch + c, sum);
}

template <class T, Activation kActivation>
RG_KERNEL __launch_bounds__(kBlockThreads) void activate_kernel(DeviceRows<T> y, const Bf16* bias) {
  const std::int64_t row = blockIdx.x, c = vector_column();
  if (c >= y.cols) return;
  float values[kVector], biases[kVector] = {};
  load8(y.data + row * y.pitch + c, values);
  if (bias != nullptr) load8(bias + c, biases);
  for (int i = 0; i < kVector; ++i) values[i] = activated<kActivation>(values[i] + biases[i]);
  store8(y.data + row * y.pitch + c, values);
}

template <class T>
void activate_rows(cudaStream_t stream, DeviceRows<T> y, const Bf16* bias, Activation f) {
  if (y.rows == 0) return;
  const auto kernel = f == Activation::kGelu   ? activate_kernel<T, Activation::kGelu>
                      : f == Activation::kSilu ? activate_kernel<T, Activation::kSilu>
                                               : activate_kernel<T, Activation::kNone>;
  launch(kernel, vectors_of_rows(y.rows, y.cols), stream, y, bias);
}

// Rounding back what was bf16 changes nothing, so that one kernel copies and converts.
template <class T>
RG_KERNEL __launch_bounds__(kBlockThreads) void gather_kernel(DeviceRows<const T> all,
                                                              const std::int32_t* first,
                                                              Bf16Rows out) {
  const std::int64_t row = blockIdx.x, c = vector_column();
  if (c >= out.cols) return;
  const std::int64_t from = (first == nullptr ? 0 : *first) + row;
  float values[kVector];
  load8(all.data + from * all.pitch + c, values);
  store8(out.data + row * out.pitch + c, values);
}

template <class T>
void gather(cudaStream_t stream, DeviceRows<const T> all, const std::int32_t* first, Bf16Rows out) {
  if (out.rows == 0) return;
  launch(gather_kernel<T>, vectors_of_rows(out.rows, out.cols), stream, all, first, out);
}

}  // namespace

void add_gated(cudaStream_t stream, Bf16Rows x, const float* gate, ConstBf16Rows y) {
  if (x.rows == 0) return;
  launch(add_gated_kernel, vectors_of_rows(x.rows, x.cols), stream, x, gate, y);
}

void activate(cudaStream_t stream, Bf16Rows y, const Bf16* bias, Activation f) {
  activate_rows(stream, y, bias, f);
}
void activate(cudaStream_t stream, FloatRows y, const Bf16* bias, Activation f) {
  activate_rows(stream, y, bias, f);
}

void copy_rows(cudaStream_t stream, ConstBf16Rows from, Bf16Rows to) {
  gather(stream, from, nullptr, to);
}
void gather_rows(cudaStream_t stream, ConstFloatRows all, const std::int32_t* first, Bf16Rows out) {
  gather(stream, all, first, out);
}
void gather_rows(cudaStream_t stream, ConstBf16Rows all, const std::int32_t* first, Bf16Rows out) {
  gather(stream, all, first, out);
}

}  // namespace regroup::cuda
