// Where the numbers of a model come from, and the layer that uses most of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "runtime/dit/kernels.hpp"
#include "runtime/dit/safetensors.hpp"

namespace regroup::dit {

// Asked once for each tensor, by the constructor of what uses it.
class WeightSource {
 public:
  virtual ~WeightSource() = default;
  // Row-major. Throws ConfigError, naming the tensor, if there is none of that name and shape.
  virtual std::vector<float> read(const std::string& name, std::span<const std::size_t> shape) = 0;
};

// Random numbers, the same for the same seed and name: gains (a name that ends in "gain") about 1,
// other vectors about 0, matrices with variance 1 / columns so that sizes carry through a layer.
class SeededWeights final : public WeightSource {
 public:
  explicit SeededWeights(std::uint64_t seed) : seed_(seed) {}
  std::vector<float> read(const std::string& name, std::span<const std::size_t> shape) override;

 private:
  std::uint64_t seed_;
};

// The tensors of one file, under this project's names (README.md).
class FileWeights final : public WeightSource {
 public:
  explicit FileWeights(const std::filesystem::path& file) : file_(file) {}
  std::vector<float> read(const std::string& name, std::span<const std::size_t> shape) override;

 private:
  Safetensors file_;
};

// y = W x + b, reading "<name>.weight" [out][in] and "<name>.bias" [out].
class Linear {
 public:
  Linear(WeightSource& source, const std::string& name, std::size_t in, std::size_t out);

  std::size_t out() const { return weight_.width(); }
  void apply(ConstRows x, Rows y) const { weight_.multiply(x, bias_, y); }
  Matrix operator()(ConstRows x) const;

 private:
  Panels weight_;
  std::vector<float> bias_;
};

// A vector "<name>" of `size` numbers.
std::vector<float> read_vector(WeightSource& source, const std::string& name, std::size_t size);

}  // namespace regroup::dit
