#include "runtime/dit/block_parts.hpp"

#include <algorithm>

namespace regroup::dit {

void modulated_norm(ConstRows x, std::span<const float> shift, std::span<const float> scale,
                    Rows out) {
  std::vector<float> gain(scale.begin(), scale.end());
  for (float& g : gain) g += 1;
  layer_norm(x, gain, shift, out);
}

QkvProjection::QkvProjection(const DitConfig& config, WeightSource& source, const std::string& name,
                             Norm norm)
    : heads_(config.heads),
      head_dim_(config.head_dim()),
      project_(source, name, config.hidden, 3 * config.hidden) {
  const std::size_t width = norm == Norm::kEachHead ? head_dim_ : config.hidden;
  query_gain_ = read_vector(source, name + ".query_gain", width);
  key_gain_ = read_vector(source, name + ".key_gain", width);
}

void QkvProjection::apply(ConstRows x, const RopeTable& rope, std::size_t first, Rows qkv) const {
  const std::size_t hidden = heads_ * head_dim_;
  Matrix projected = project_(x);
  const Rows queries = projected.view().columns(0, hidden);
  const Rows keys = projected.view().columns(hidden, hidden);
  const Rows values = projected.view().columns(2 * hidden, hidden);

  const std::size_t width = query_gain_.size();  // of one norm
  for (std::size_t start = 0; start < hidden; start += width) {
    rms_norm(queries.columns(start, width), query_gain_);
    rms_norm(keys.columns(start, width), key_gain_);
  }
  for (std::size_t r = 0; r < x.rows; ++r)
    for (std::size_t h = 0; h < heads_; ++h) {
      float* out = qkv[r] + h * 3 * head_dim_;
      rope.turn(first + r, queries[r] + h * head_dim_, out);
      rope.turn(first + r, keys[r] + h * head_dim_, out + head_dim_);
      std::copy_n(values[r] + h * head_dim_, head_dim_, out + 2 * head_dim_);
    }
}

Mlp::Mlp(WeightSource& source, const std::string& name, std::size_t width, std::size_t inner)
    : in_(source, name + ".in", width, inner), out_(source, name + ".out", inner, width) {}

Matrix Mlp::operator()(ConstRows x) const {
  Matrix inner = in_(x);
  gelu_tanh(inner.view());
  return out_(inner.view());
}

}  // namespace regroup::dit
