#include "runtime/cuda/dit/recording.hpp"

#include "core/errors.hpp"

namespace regroup::cuda {

Recording::Recording(const DeviceModel& model, const RankMath& math, Exchanges& exchanges)
    : model_(model), math_(math), exchanges_(exchanges) {}

void Recording::linear(const std::string& name, ConstBf16Rows x, Bf16Rows y,
                       GemmEpilogue epilogue) {
  product(name, x, y.data, y.pitch, epilogue, false);
}

void Recording::linear(const std::string& name, ConstBf16Rows x, FloatRows y) {
  product(name, x, y.data, y.pitch, GemmEpilogue::kBias, true);
}

void Recording::product(const std::string& name, ConstBf16Rows x, void* y, std::int64_t pitch,
                        GemmEpilogue epilogue, bool float_out) {
  if (x.rows == 0) return;
  const DeviceLinear layer = model_.linear(name);
  RG_CHECK(layer.weight.cols == x.cols, "'{}' takes {} columns, not {}", name, layer.weight.cols,
           x.cols);
  GemmShape shape;
  shape.m = x.rows;
  shape.n = layer.weight.rows;
  shape.k = x.cols;
  shape.ldx = x.pitch;
  shape.ldw = layer.weight.pitch;
  shape.ldy = pitch;
  shape.epilogue = epilogue;
  shape.float_out = float_out;
  math_.gemm->prepare(shape);
  const GemmOperands operands{x.data, layer.weight.data, layer.bias, y};
  add([gemm = math_.gemm.get(), shape, operands](cudaStream_t stream) {
    gemm->run(stream, shape, operands);
  });
}

void Recording::linear(const std::string& name, const float* x, float* y, Activation f) {
  const DeviceLinear layer = model_.linear(name);
  add([=](cudaStream_t stream) { matrix_vector(stream, layer.weight, layer.bias, x, y, f); });
}

void Recording::attention(const AttentionShape& shape, const Bf16* q, const Bf16* k, const Bf16* v,
                          Bf16* o) {
  if (shape.queries == 0) return;
  math_.attention->prepare(shape);
  add([=, attention = math_.attention.get()](cudaStream_t stream) {
    attention->run(stream, shape, q, k, v, o);
  });
}

int Recording::reserve() {
  const int slot = next_slot_;
  next_slot_ = (next_slot_ + 1) % collectives::kStagingSlots;
  add([this_exchanges = &exchanges_, slot](cudaStream_t stream) {
    this_exchanges->reserve(stream, slot);
  });
  return slot;
}

void Recording::exchange(const Exchange& exchange) {
  segments_.back().exchange = exchange;
  segments_.emplace_back();
}

}  // namespace regroup::cuda
