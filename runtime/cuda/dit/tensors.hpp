// The weights of a model by name and shape, without the numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/dit/config.hpp"

namespace regroup::cuda {

struct WeightTensor {
  std::string name;
  std::vector<std::size_t> shape;  // row-major; linear weights are [out][in]

  std::size_t size() const;
};

// In the order in which runtime/dit asks a WeightSource for them, under its names.
std::vector<WeightTensor> weight_tensors(const dit::DitConfig& config);

// Where tensors lie in one allocation: bf16, each from a multiple of 256 bytes.
inline constexpr std::uint64_t kTensorAlignment = 256;
std::uint64_t weight_bytes(const WeightTensor& tensor);    // with padding
std::uint64_t weight_bytes(const dit::DitConfig& config);  // of all

}  // namespace regroup::cuda
