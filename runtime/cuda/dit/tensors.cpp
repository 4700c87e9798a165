#include "runtime/cuda/dit/tensors.hpp"

#include <fmt/format.h>

#include <functional>
#include <numeric>

namespace regroup::cuda {
namespace {

// The layers of runtime/dit, each by the tensors that it reads.
class Names {
 public:
  explicit Names(const dit::DitConfig& config) : config_(config) {}

  void model() {
    const std::size_t hidden = config_.hidden;
    linear("latent_in", config_.token_width(), hidden);
    linear("text_in", config_.text_width, hidden);
    vector_mlp("time_in", config_.time_features);
    linear("final", hidden, config_.token_width());
    if (config_.architecture == dit::DitConfig::Architecture::kJoint) {
      vector_mlp("pooled_in", config_.text_width);
      for (std::size_t i = 0; i < config_.double_blocks; ++i) {
        stream(fmt::format("double_blocks.{}.text", i));
        stream(fmt::format("double_blocks.{}.latents", i));
      }
      for (std::size_t i = 0; i < config_.single_blocks; ++i)
        single_block(fmt::format("single_blocks.{}", i));
      linear("final_modulation", hidden, 2 * hidden);
    } else {
      linear("text_out", hidden, hidden);
      linear("modulation", hidden, 6 * hidden);
      for (std::size_t i = 0; i < config_.blocks; ++i) cross_block(fmt::format("blocks.{}", i));
      vector("final_modulation", 2 * hidden);
    }
  }

  std::vector<WeightTensor> tensors() && { return std::move(tensors_); }

 private:
  void vector(const std::string& name, std::size_t size) { tensors_.push_back({name, {size}}); }
  void linear(const std::string& name, std::size_t in, std::size_t out) {
    tensors_.push_back({name + ".weight", {out, in}});
    vector(name + ".bias", out);
  }
  void vector_mlp(const std::string& name, std::size_t in) {
    linear(name + ".in", in, config_.hidden);
    linear(name + ".out", config_.hidden, config_.hidden);
  }
  void qkv(const std::string& name, std::size_t norm_width) {
    linear(name, config_.hidden, 3 * config_.hidden);
    vector(name + ".query_gain", norm_width);
    vector(name + ".key_gain", norm_width);
  }
  void mlp(const std::string& name) {
    linear(name + ".in", config_.hidden, config_.mlp_hidden);
    linear(name + ".out", config_.mlp_hidden, config_.hidden);
  }
  void stream(const std::string& name) {
    linear(name + ".modulation", config_.hidden, 6 * config_.hidden);
    qkv(name + ".qkv", config_.head_dim());
    linear(name + ".attention_out", config_.hidden, config_.hidden);
    mlp(name + ".mlp");
  }
  void single_block(const std::string& name) {
    linear(name + ".modulation", config_.hidden, 3 * config_.hidden);
    qkv(name + ".qkv", config_.head_dim());
    linear(name + ".mlp_in", config_.hidden, config_.mlp_hidden);
    linear(name + ".out", config_.hidden + config_.mlp_hidden, config_.hidden);
  }
  void cross_block(const std::string& name) {
    const std::size_t hidden = config_.hidden;
    vector(name + ".modulation", 6 * hidden);
    qkv(name + ".qkv", hidden);
    linear(name + ".attention_out", hidden, hidden);
    vector(name + ".text_norm.gain", hidden);
    vector(name + ".text_norm.offset", hidden);
    for (const char* part : {"query", "key", "value", "out"})
      linear(name + ".text_attention." + part, hidden, hidden);
    vector(name + ".text_attention.query_gain", hidden);
    vector(name + ".text_attention.key_gain", hidden);
    mlp(name + ".mlp");
  }

  const dit::DitConfig& config_;
  std::vector<WeightTensor> tensors_;
};

}  // namespace

std::size_t WeightTensor::size() const {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

std::vector<WeightTensor> weight_tensors(const dit::DitConfig& config) {
  Names names(config);
  names.model();
  return std::move(names).tensors();
}

std::uint64_t weight_bytes(const WeightTensor& tensor) {
  constexpr std::uint64_t kBf16Bytes = 2;
  return (tensor.size() * kBf16Bytes + kTensorAlignment - 1) / kTensorAlignment * kTensorAlignment;
}

std::uint64_t weight_bytes(const dit::DitConfig& config) {
  std::uint64_t bytes = 0;
  for (const WeightTensor& tensor : weight_tensors(config)) bytes += weight_bytes(tensor);
  return bytes;
}

}  // namespace regroup::cuda
