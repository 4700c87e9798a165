// Row-major numbers in device memory: a matrix, and views of some of its rows and columns. What
// dit::BasicRows is on the CPU. C++17, for .cu files.
#pragma once

#include <cstdint>
#include <type_traits>

#include "runtime/cuda/portable/bf16.hpp"

namespace regroup::cuda {

// Does not own. Row r starts at data + r * pitch; rows and columns may be none.
template <class T>
struct DeviceRows {
  T* data = nullptr;
  std::int64_t rows = 0, cols = 0, pitch = 0;  // pitch in elements

  DeviceRows slice(std::int64_t first, std::int64_t count) const {
    return {data + first * pitch, count, cols, pitch};
  }
  DeviceRows columns(std::int64_t first, std::int64_t count) const {
    return {data + first, rows, count, pitch};
  }
  template <class U = T, class = std::enable_if_t<std::is_same_v<U, T> && !std::is_const_v<U>>>
  operator DeviceRows<const U>() const {
    return {data, rows, cols, pitch};
  }
};
using Bf16Rows = DeviceRows<Bf16>;
using ConstBf16Rows = DeviceRows<const Bf16>;
using FloatRows = DeviceRows<float>;
using ConstFloatRows = DeviceRows<const float>;

}  // namespace regroup::cuda
