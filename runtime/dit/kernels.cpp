#include "runtime/dit/kernels.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numbers>

// How the promise of the header is kept. Eigen's own products sum in another order for other
// numbers of rows, and its functions on arrays of any length compute the last few elements by other
// code (the standard library's exp, not its own). So Eigen is given nothing but arrays of kLanes
// elements, a size known when compiling: whole vector registers, one way to compute them. Longer
// sums are loops over these, in an order that only the length of the sum decides; a register's
// lanes hold different columns of a product, never parts of one sum.

namespace regroup::dit {
namespace {

constexpr std::size_t kLanes = Panels::kLanes;
using Lanes = Eigen::Array<float, static_cast<int>(kLanes), 1>;
using LanesAt = Eigen::Map<Lanes>;
using ConstLanesAt = Eigen::Map<const Lanes>;

constexpr double kEpsilon = 1e-6;  // of FLUX's and Wan's norms

// The first `count` of eight numbers, zeros after them.
Lanes load(const float* from, std::size_t count) {
  if (count >= kLanes) return ConstLanesAt(from);
  Lanes lanes = Lanes::Zero();
  std::copy_n(from, count, lanes.data());
  return lanes;
}

void store(const Lanes& lanes, float* to, std::size_t count) {
  if (count >= kLanes)
    LanesAt{to} = lanes;
  else
    std::copy_n(lanes.data(), count, to);
}

// x = f(x) for every element, f a function of Lanes.
template <class Function>
void apply(Rows x, Function f) {
  for (std::size_t r = 0; r < x.rows; ++r)
    for (std::size_t c = 0; c < x.cols; c += kLanes) {
      const Lanes result = f(load(x[r] + c, x.cols - c));
      store(result, x[r] + c, x.cols - c);
    }
}

// kRows rows of x times one panel: as many sums at once as registers can hold.
template <std::size_t kRows>
void multiply_tile(ConstRows x, std::size_t first, const float* panel, const Lanes& start, Rows y,
                   std::size_t column) {
  const float* row[kRows];
  Lanes sum[kRows];
  for (std::size_t r = 0; r < kRows; ++r) {
    row[r] = x[first + r];
    sum[r] = start;
  }
  for (std::size_t k = 0; k < x.cols; ++k) {
    const Lanes weight = ConstLanesAt(panel + k * kLanes);
    for (std::size_t r = 0; r < kRows; ++r) sum[r] += row[r][k] * weight;
  }
  for (std::size_t r = 0; r < kRows; ++r) store(sum[r], y[first + r] + column, y.cols - column);
}

}  // namespace

Panels::Panels(std::size_t depth, std::size_t width)
    : depth_(depth), width_(width), values_((width + kLanes - 1) / kLanes * depth * kLanes) {}

Panels Panels::from_columns(ConstRows columns) {
  Panels panels(columns.cols, columns.rows);
  for (std::size_t j = 0; j < columns.rows; ++j)
    for (std::size_t k = 0; k < columns.cols; ++k)
      panels.values_[(j / kLanes * columns.cols + k) * kLanes + j % kLanes] = columns[j][k];
  return panels;
}

Panels Panels::from_rows(ConstRows rows) {
  Panels panels(rows.rows, rows.cols);
  for (std::size_t k = 0; k < rows.rows; ++k)
    for (std::size_t j = 0; j < rows.cols; ++j)
      panels.values_[(j / kLanes * rows.rows + k) * kLanes + j % kLanes] = rows[k][j];
  return panels;
}

void Panels::multiply(ConstRows x, std::span<const float> start, Rows y) const {
  constexpr std::size_t kTile = 4;
  for (std::size_t column = 0; column < width_; column += kLanes) {
    const float* panel = values_.data() + column * depth_;
    const Lanes first =
        start.empty() ? Lanes(Lanes::Zero()) : load(start.data() + column, width_ - column);
    std::size_t r = 0;
    for (; r + kTile <= x.rows; r += kTile) multiply_tile<kTile>(x, r, panel, first, y, column);
    for (; r < x.rows; ++r) multiply_tile<1>(x, r, panel, first, y, column);
  }
}

void layer_norm(ConstRows x, std::span<const float> gain, std::span<const float> offset, Rows out) {
  const double width = static_cast<double>(x.cols);
  for (std::size_t r = 0; r < x.rows; ++r) {
    const float* row = x[r];
    double sum = 0;
    for (std::size_t c = 0; c < x.cols; ++c) sum += row[c];
    const double mean = sum / width;
    double squares = 0;
    for (std::size_t c = 0; c < x.cols; ++c) squares += (row[c] - mean) * (row[c] - mean);
    const float center = static_cast<float>(mean);
    const float scale = static_cast<float>(1 / std::sqrt(squares / width + kEpsilon));
    for (std::size_t c = 0; c < x.cols; ++c)
      out[r][c] = (row[c] - center) * scale * gain[c] + offset[c];
  }
}

void rms_norm(Rows x, std::span<const float> gain) {
  for (std::size_t r = 0; r < x.rows; ++r) {
    double squares = 0;
    for (std::size_t c = 0; c < x.cols; ++c) squares += double{x[r][c]} * x[r][c];
    const double mean = squares / static_cast<double>(x.cols);
    const float scale = static_cast<float>(1 / std::sqrt(mean + kEpsilon));
    for (std::size_t c = 0; c < x.cols; ++c) x[r][c] *= scale * gain[c];
  }
}

void gelu_tanh(Rows x) {
  const float root = static_cast<float>(std::sqrt(2 / std::numbers::pi));
  apply(x, [root](const Lanes& v) -> Lanes {
    const Lanes inner = root * (v + 0.044715f * v * v * v);
    return 0.5f * v * (1.0f + inner.tanh());
  });
}

void silu(Rows x) {
  apply(x, [](const Lanes& v) -> Lanes { return v / (1.0f + (-v).exp()); });
}

void tanh(Rows x) {
  apply(x, [](const Lanes& v) -> Lanes { return v.tanh(); });
}

void add_gated(Rows x, std::span<const float> gate, ConstRows y) {
  for (std::size_t r = 0; r < x.rows; ++r)
    for (std::size_t c = 0; c < x.cols; ++c) x[r][c] += gate.empty() ? y[r][c] : gate[c] * y[r][c];
}

void attend(ConstRows q, ConstRows k, ConstRows v, Rows out) {
  const Panels keys = Panels::from_columns(k);
  const Panels values = Panels::from_rows(v);
  const float scale = static_cast<float>(1 / std::sqrt(static_cast<double>(q.cols)));
  // A few queries at a time, so that their scores stay in the cache.
  constexpr std::size_t kQueries = 8;
  Matrix scores(std::min(kQueries, q.rows), k.rows);
  for (std::size_t first = 0; first < q.rows; first += kQueries) {
    const std::size_t count = std::min(kQueries, q.rows - first);
    const Rows some = scores.view().slice(0, count);
    keys.multiply(q.slice(first, count), {}, some);
    float total[kQueries];
    for (std::size_t r = 0; r < count; ++r) {
      float* row = some[r];
      const float most = *std::max_element(row, row + some.cols);
      Lanes sums = Lanes::Zero();
      for (std::size_t c = 0; c < some.cols; c += kLanes) {
        const std::size_t rest = some.cols - c;
        const Lanes weights = ((load(row + c, rest) - most) * scale).exp();
        store(weights, row + c, rest);
        sums += load(row + c, rest);  // again, for the zeros past the last key
      }
      total[r] = sums.sum();
    }
    values.multiply(some, {}, out.slice(first, count));
    for (std::size_t r = 0; r < count; ++r)
      for (std::size_t c = 0; c < out.cols; ++c) out[first + r][c] /= total[r];
  }
}

}  // namespace regroup::dit
