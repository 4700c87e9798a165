// Row-major numbers: a matrix, and views of some of its rows and columns.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

namespace regroup::dit {

// Does not own. Row r starts at data + r * pitch.
template <class T>
struct BasicRows {
  T* data = nullptr;
  std::size_t rows = 0, cols = 0, pitch = 0;

  T* operator[](std::size_t row) const { return data + row * pitch; }
  BasicRows slice(std::size_t first, std::size_t count) const {
    return {data + first * pitch, count, cols, pitch};
  }
  BasicRows columns(std::size_t first, std::size_t count) const {
    return {data + first, rows, count, pitch};
  }
  operator BasicRows<const T>() const requires(!std::is_const_v<T>) {
    return {data, rows, cols, pitch};
  }
};
using Rows = BasicRows<float>;
using ConstRows = BasicRows<const float>;

// One row.
inline ConstRows one_row(std::span<const float> values) {
  return {values.data(), 1, values.size(), values.size()};
}
inline ConstRows one_row(const std::vector<float>& values) {
  return one_row(std::span<const float>(values));
}
inline Rows one_row(std::vector<float>& values) {
  return {values.data(), 1, values.size(), values.size()};
}

struct Matrix {
  std::size_t rows = 0, cols = 0;
  std::vector<float> values;  // rows * cols

  Matrix() = default;
  Matrix(std::size_t row_count, std::size_t col_count)
      : rows(row_count), cols(col_count), values(row_count * col_count) {}

  Rows view() { return {values.data(), rows, cols, cols}; }
  ConstRows view() const { return {values.data(), rows, cols, cols}; }
  std::span<float> row(std::size_t i) { return {values.data() + i * cols, cols}; }
  std::span<const float> row(std::size_t i) const { return {values.data() + i * cols, cols}; }
  friend bool operator==(const Matrix&, const Matrix&) = default;
};

}  // namespace regroup::dit
