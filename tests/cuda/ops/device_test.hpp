// For tests of kernels: matrices on the device and what results are compared with. They run on the
// emulator, and on a GPU where they are linked with what nvcc compiled.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <span>
#include <vector>

#include "core/random.hpp"
#include "runtime/cuda/gpu/device_memory.hpp"
#include "runtime/cuda/ops/device_rows.hpp"
#include "runtime/cuda/portable/check.hpp"
#include "runtime/dit/rows.hpp"

namespace regroup::cuda {

// The emulator always has a device.
class DeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0)
      GTEST_SKIP() << "no GPU here: these kernels were not run on one";
  }
};

template <class T>
T number(float value);
template <>
inline float number<float>(float value) {
  return value;
}
template <>
inline Bf16 number<Bf16>(float value) {
  return to_bf16(value);
}
inline float value_of(float number) { return number; }
inline float value_of(Bf16 number) { return to_float(number); }

template <class T>
DeviceBuffer on_device(std::span<const T> numbers) {
  DeviceBuffer buffer(numbers.size_bytes(), "a test");
  check(cudaMemcpy(buffer.data(), numbers.data(), numbers.size_bytes(), cudaMemcpyDefault),
        "copying");
  return buffer;
}
template <class T>
DeviceBuffer on_device(const T& one) {
  return on_device(std::span<const T>(&one, 1));
}

// Rows with gaps between and behind them; gaps, and numbers that nobody gave, are poison: NaN.
template <class T>
class DeviceMatrix {
 public:
  DeviceMatrix(std::size_t rows, std::size_t cols, std::size_t gap = 0)
      : rows_(rows), cols_(cols), pitch_(cols + gap), buffer_(bytes(), "a test") {
    check(cudaMemset(buffer_.data(), 0xff, bytes()), "poisoning");
  }
  explicit DeviceMatrix(const dit::Matrix& values, std::size_t gap = 0)
      : DeviceMatrix(values.rows, values.cols, gap) {
    std::vector<T> numbers = all();
    for (std::size_t r = 0; r < rows_; ++r)
      for (std::size_t c = 0; c < cols_; ++c) numbers[r * pitch_ + c] = number<T>(values.row(r)[c]);
    check(cudaMemcpy(buffer_.data(), numbers.data(), bytes(), cudaMemcpyDefault), "copying");
  }

  T* data() const { return buffer_.template as<T>(); }
  DeviceRows<T> view() const {
    return {data(), static_cast<std::int64_t>(rows_), static_cast<std::int64_t>(cols_),
            static_cast<std::int64_t>(pitch_)};
  }

  // After all that was enqueued. The gaps must still be poison.
  dit::Matrix values() const {
    const std::vector<T> numbers = all();
    dit::Matrix result(rows_, cols_);
    std::size_t touched = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const std::size_t r = i / pitch_, c = i % pitch_;
      if (r < rows_ && c < cols_)
        result.row(r)[c] = value_of(numbers[i]);
      else if (!std::isnan(value_of(numbers[i])))
        ++touched;
    }
    EXPECT_EQ(touched, 0u) << "numbers written beside the result";
    return result;
  }

 private:
  std::size_t size() const { return rows_ * pitch_ + 64; }
  std::size_t bytes() const { return size() * sizeof(T); }
  std::vector<T> all() const {
    std::vector<T> numbers(size());
    check(cudaDeviceSynchronize(), "waiting");
    check(cudaMemcpy(numbers.data(), buffer_.data(), bytes(), cudaMemcpyDefault), "copying");
    return numbers;
  }

  std::size_t rows_, cols_, pitch_;
  DeviceBuffer buffer_;
};

// Standard normal, rounded to bf16 so that device and reference start from the same numbers.
inline dit::Matrix random_matrix(std::size_t rows, std::size_t cols, std::uint64_t seed,
                                 double mean = 0) {
  RandomStream random(seed, "cuda.ops");
  dit::Matrix matrix(rows, cols);
  for (float& value : matrix.values)
    value = to_float(to_bf16(static_cast<float>(mean + random.normal())));
  return matrix;
}

// As roots of squares; NaN if a number is one.
inline double relative_error(const dit::Matrix& actual, const dit::Matrix& expected) {
  double errors = 0, squares = 0;
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    const double wanted = expected.values[i], error = actual.values.at(i) - wanted;
    errors += error * error;
    squares += wanted * wanted;
  }
  return std::sqrt(errors / squares);
}

// A result in bf16 is off by 2^-8 of itself at most.
inline constexpr double kBf16Error = 4e-3;
// One in float, by what sums in another order and fast functions lose.
inline constexpr double kFloatError = 1e-5;

}  // namespace regroup::cuda
