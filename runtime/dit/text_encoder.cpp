#include "runtime/dit/text_encoder.hpp"

#include <algorithm>

namespace regroup::dit {
namespace {

constexpr std::size_t kPadding = 256;  // after the 256 bytes

Matrix read_matrix(WeightSource& weights, const std::string& name, std::size_t rows,
                   std::size_t cols) {
  const std::size_t shape[] = {rows, cols};
  Matrix matrix(rows, cols);
  matrix.values = weights.read(name, shape);
  return matrix;
}

}  // namespace

ByteTextEncoder::ByteTextEncoder(const DitConfig& config, WeightSource& weights)
    : tokens_(config.text_tokens),
      width_(config.text_width),
      table_(read_matrix(weights, "text_encoder.bytes", kPadding + 1, width_)),
      positions_(read_matrix(weights, "text_encoder.positions", tokens_, width_)),
      gain_(read_vector(weights, "text_encoder.gain", width_)),
      offset_(read_vector(weights, "text_encoder.offset", width_)) {
  for (std::size_t i = 0; i < config.text_layers; ++i) {
    const std::string name = "text_encoder.layers." + std::to_string(i);
    layers_.push_back({read_vector(weights, name + ".attention_norm.gain", width_),
                       read_vector(weights, name + ".attention_norm.offset", width_),
                       read_vector(weights, name + ".mlp_norm.gain", width_),
                       read_vector(weights, name + ".mlp_norm.offset", width_),
                       Linear(weights, name + ".qkv", width_, 3 * width_),
                       Linear(weights, name + ".attention_out", width_, width_),
                       Mlp(weights, name + ".mlp", width_, 4 * width_)});
  }
}

Prompt ByteTextEncoder::encode(std::string_view prompt) const {
  Prompt encoded{Matrix(tokens_, width_), std::vector<float>(width_)};
  Matrix& x = encoded.text;
  for (std::size_t t = 0; t < tokens_; ++t) {
    const std::size_t id = t < prompt.size() ? static_cast<unsigned char>(prompt[t]) : kPadding;
    std::copy_n(table_.row(id).data(), width_, x.row(t).data());
  }
  add_gated(x.view(), {}, positions_.view());

  Matrix normed(tokens_, width_), attended(tokens_, width_);
  for (const Layer& layer : layers_) {
    layer_norm(x.view(), layer.attention_gain, layer.attention_offset, normed.view());
    const Matrix qkv = layer.qkv(normed.view());
    attend(qkv.view().columns(0, width_), qkv.view().columns(width_, width_),
           qkv.view().columns(2 * width_, width_), attended.view());
    add_gated(x.view(), {}, layer.out(attended.view()).view());
    layer_norm(x.view(), layer.mlp_gain, layer.mlp_offset, normed.view());
    add_gated(x.view(), {}, layer.mlp(normed.view()).view());
  }
  layer_norm(x.view(), gain_, offset_, x.view());
  const float share = 1 / static_cast<float>(tokens_);
  for (std::size_t t = 0; t < tokens_; ++t)
    for (std::size_t c = 0; c < width_; ++c) encoded.pooled[c] += share * x.row(t)[c];
  return encoded;
}

}  // namespace regroup::dit
