// The arithmetic of the model, in a fixed order.
//
// Promise: what one row of a result is depends on that row of the input and on the weights, bit for
// bit, and not on how many other rows there are or where they lie. A token's numbers are therefore
// the same on whichever rank, and beside however many others, they are computed.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/dit/rows.hpp"

namespace regroup::dit {

// The right-hand side of a product, packed in panels of kLanes columns.
class Panels {
 public:
  static constexpr std::size_t kLanes = 8;

  Panels() = default;
  // Column j of the matrix is row j of `columns`: a layer's weights [out][in], or keys.
  static Panels from_columns(ConstRows columns);
  // The matrix as it is: values.
  static Panels from_rows(ConstRows rows);

  std::size_t width() const { return width_; }
  // y = x * matrix + start, every sum begun at `start` (width numbers; empty: zeros) and taken in
  // ascending order. x and y must not overlap.
  void multiply(ConstRows x, std::span<const float> start, Rows y) const;

 private:
  Panels(std::size_t depth, std::size_t width);

  std::size_t depth_ = 0, width_ = 0;
  std::vector<float> values_;  // [panel][depth][kLanes], zeros past the last column
};

// out = (x - mean) / sqrt(variance + 1e-6) * gain + offset, over each row; `out` may be x.
void layer_norm(ConstRows x, std::span<const float> gain, std::span<const float> offset, Rows out);

// x / sqrt(mean of squares + 1e-6) * gain, over each row, in place.
void rms_norm(Rows x, std::span<const float> gain);

// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), in place (Hendrycks, Gimpel 2016).
void gelu_tanh(Rows x);

// x / (1 + exp(-x)), in place.
void silu(Rows x);

// tanh(x), in place.
void tanh(Rows x);

// x += gate * y, the gate of each column; an empty gate is 1.
void add_gated(Rows x, std::span<const float> gate, ConstRows y);

// out = softmax(q k^T / sqrt(d)) v: one head, every query over all the keys in their order.
// q, out: [queries][d]; k, v: [keys][d]. None may overlap out.
void attend(ConstRows q, ConstRows k, ConstRows v, Rows out);

}  // namespace regroup::dit
