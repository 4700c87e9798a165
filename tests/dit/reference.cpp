#include "reference.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace regroup::dit::reference {

Table table(const Matrix& matrix) {
  Table rows;
  for (std::size_t r = 0; r < matrix.rows; ++r)
    rows.emplace_back(matrix.row(r).begin(), matrix.row(r).end());
  return rows;
}

Table slice(const Table& rows, std::size_t first, std::size_t count) {
  const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(first);
  return Table(begin, begin + static_cast<std::ptrdiff_t>(count));
}

Table columns(const Table& rows, std::size_t first, std::size_t count) {
  Table part;
  for (const Vector& row : rows) {
    const auto begin = row.begin() + static_cast<std::ptrdiff_t>(first);
    part.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(count));
  }
  return part;
}

Vector layer_norm(const Vector& x, const Vector& gain, const Vector& offset) {
  double mean = 0, variance = 0;
  for (const double v : x) mean += v / static_cast<double>(x.size());
  for (const double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
  Vector out;
  for (std::size_t i = 0; i < x.size(); ++i)
    out.push_back((x[i] - mean) / std::sqrt(variance + 1e-6) * gain[i] + offset[i]);
  return out;
}

Vector rms_norm(const Vector& x, const Vector& gain) {
  double squares = 0;
  for (const double v : x) squares += v * v / static_cast<double>(x.size());
  Vector out;
  for (std::size_t i = 0; i < x.size(); ++i)
    out.push_back(x[i] / std::sqrt(squares + 1e-6) * gain[i]);
  return out;
}

double gelu(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

double silu(double x) { return x / (1 + std::exp(-x)); }

Table attend(const Table& q, const Table& k, const Table& v) {
  Table out;
  for (const Vector& query : q) {
    Vector weights;
    double total = 0;
    for (const Vector& key : k) {
      double dot = 0;
      for (std::size_t d = 0; d < query.size(); ++d) dot += query[d] * key[d];
      weights.push_back(std::exp(dot / std::sqrt(static_cast<double>(query.size()))));
      total += weights.back();
    }
    Vector row(v[0].size());
    for (std::size_t j = 0; j < v.size(); ++j)
      for (std::size_t d = 0; d < row.size(); ++d) row[d] += weights[j] / total * v[j][d];
    out.push_back(row);
  }
  return out;
}

Vector rope(const Vector& head, const DitConfig& config, const double (&at)[3]) {
  Vector out;
  for (std::size_t axis = 0; axis < 3; ++axis)
    for (std::size_t i = 0; i < config.rope_axes[axis]; i += 2) {
      const double width = static_cast<double>(config.rope_axes[axis]);
      const double angle = at[axis] / std::pow(10000.0, static_cast<double>(i) / width);
      const double a = head[out.size()], b = head[out.size() + 1];
      out.push_back(a * std::cos(angle) - b * std::sin(angle));
      out.push_back(a * std::sin(angle) + b * std::cos(angle));
    }
  return out;
}

std::vector<float> Recorder::read(const std::string& name, std::span<const std::size_t> shape) {
  const std::vector<float> values = seeded_.read(name, shape);
  tensors_[name] = Vector(values.begin(), values.end());
  return values;
}

double error(const Matrix& actual, const Table& expected) {
  double largest = 0, difference = 0;
  if (actual.rows != expected.size()) return INFINITY;
  for (std::size_t r = 0; r < expected.size(); ++r) {
    if (actual.cols != expected[r].size()) return INFINITY;
    for (std::size_t c = 0; c < actual.cols; ++c) {
      largest = std::max(largest, std::abs(expected[r][c]));
      const double gap = std::abs(actual.row(r)[c] - expected[r][c]);
      if (!(gap <= difference)) difference = gap;  // NaN counts
    }
  }
  return difference / largest;
}

}  // namespace regroup::dit::reference
