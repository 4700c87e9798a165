#include <cmath>

#include "reference.hpp"

namespace regroup::dit::reference {
namespace {

// One forward pass, with the weights by name.
class Model {
 public:
  Model(const DitConfig& config, const std::map<std::string, Vector>& tensors,
        const LatentShape& shape)
      : config_(config), tensors_(tensors), shape_(shape) {}

  Table joint(const Prompt& prompt, double sigma, const Matrix& latents) {
    const std::size_t text = config_.text_tokens;
    Vector condition = vector_mlp("time_in", time(sigma));
    const Vector pooled =
        vector_mlp("pooled_in", Vector(prompt.pooled.begin(), prompt.pooled.end()));
    for (std::size_t i = 0; i < condition.size(); ++i)
      condition[i] = silu(condition[i] + pooled[i]);

    Table x = linear("text_in", table(prompt.text));
    for (const Vector& row : linear("latent_in", table(latents))) x.push_back(row);
    for (std::size_t b = 0; b < config_.double_blocks; ++b) {
      const std::string name = "double_blocks." + std::to_string(b);
      const std::string streams[] = {name + ".text", name + ".latents"};
      Table qkv, parts[2] = {slice(x, 0, text), slice(x, text, x.size() - text)};
      Vector modulation[2];
      for (int s = 0; s < 2; ++s) {
        modulation[s] = linear(streams[s] + ".modulation", {condition})[0];
        for (const Vector& row : linear(streams[s] + ".qkv", modulate(parts[s], modulation[s], 0)))
          qkv.push_back(normed_heads(streams[s] + ".qkv", row));
      }
      const Table attended = self_attention(qkv, text);
      const Table own[2] = {slice(attended, 0, text), slice(attended, text, x.size() - text)};
      for (int s = 0; s < 2; ++s) {
        add(parts[s], linear(streams[s] + ".attention_out", own[s]), &modulation[s], 2);
        add(parts[s], mlp(streams[s] + ".mlp", modulate(parts[s], modulation[s], 3)),
            &modulation[s], 5);
      }
      x = parts[0];
      x.insert(x.end(), parts[1].begin(), parts[1].end());
    }
    for (std::size_t b = 0; b < config_.single_blocks; ++b) {
      const std::string name = "single_blocks." + std::to_string(b);
      const Vector modulation = linear(name + ".modulation", {condition})[0];
      const Table normed = modulate(x, modulation, 0);
      Table qkv;
      for (const Vector& row : linear(name + ".qkv", normed))
        qkv.push_back(normed_heads(name + ".qkv", row));
      Table both = self_attention(qkv, text);
      const Table inner = linear(name + ".mlp_in", normed);
      for (std::size_t r = 0; r < both.size(); ++r)
        for (const double v : inner[r]) both[r].push_back(gelu(v));
      add(x, linear(name + ".out", both), &modulation, 2);
    }
    return linear("final", modulate(slice(x, text, x.size() - text),
                                    linear("final_modulation", {condition})[0], 0));
  }

  Table cross(const Prompt& prompt, double sigma, const Matrix& latents) {
    const Vector condition = vector_mlp("time_in", time(sigma));
    Vector active = condition;
    for (double& v : active) v = silu(v);
    const Vector shared = linear("modulation", {active})[0];
    Table context = linear("text_in", table(prompt.text));
    for (Vector& row : context)
      for (double& v : row) v = gelu(v);
    context = linear("text_out", context);

    Table x = linear("latent_in", table(latents));
    for (std::size_t b = 0; b < config_.blocks; ++b) {
      const std::string name = "blocks." + std::to_string(b);
      Vector modulation = tensors_.at(name + ".modulation");
      for (std::size_t i = 0; i < modulation.size(); ++i) modulation[i] += shared[i];
      Table qkv = linear(name + ".qkv", modulate(x, modulation, 0));
      for (Vector& row : qkv) row = normed_whole(name + ".qkv", row);
      add(x, linear(name + ".attention_out", self_attention(qkv, 0)), &modulation, 2);
      Table asked;
      for (const Vector& row : x)
        asked.push_back(layer_norm(row, tensors_.at(name + ".text_norm.gain"),
                                   tensors_.at(name + ".text_norm.offset")));
      add(x, text_attention(name + ".text_attention", asked, context), nullptr, 0);
      add(x, mlp(name + ".mlp", modulate(x, modulation, 3)), &modulation, 5);
    }
    Vector last = tensors_.at("final_modulation");
    for (std::size_t i = 0; i < last.size(); ++i) last[i] += condition[i % config_.hidden];
    return linear("final", modulate(x, last, 0));
  }

 private:
  Vector time(double sigma) const {
    Vector features;
    const double half = static_cast<double>(config_.time_features) / 2;
    for (double i = 0; i < half; ++i)
      features.push_back(std::cos(1000 * sigma / std::pow(10000.0, i / half)));
    for (double i = 0; i < half; ++i)
      features.push_back(std::sin(1000 * sigma / std::pow(10000.0, i / half)));
    return features;
  }

  Table linear(const std::string& name, const Table& x) const {
    const Vector& weight = tensors_.at(name + ".weight");
    const Vector& bias = tensors_.at(name + ".bias");
    Table y;
    for (const Vector& row : x) {
      y.push_back(bias);
      for (std::size_t o = 0; o < bias.size(); ++o)
        for (std::size_t i = 0; i < row.size(); ++i)
          y.back()[o] += weight[o * row.size() + i] * row[i];
    }
    return y;
  }

  Vector vector_mlp(const std::string& name, const Vector& x) const {
    Table inner = linear(name + ".in", {x});
    for (double& v : inner[0]) v = silu(v);
    return linear(name + ".out", inner)[0];
  }

  Table mlp(const std::string& name, const Table& x) const {
    Table inner = linear(name + ".in", x);
    for (Vector& row : inner)
      for (double& v : row) v = gelu(v);
    return linear(name + ".out", inner);
  }

  // Vectors `first` (shift) and `first` + 1 (scale) of a modulation.
  Table modulate(const Table& x, const Vector& modulation, std::size_t first) const {
    Vector shift, gain;
    for (std::size_t i = 0; i < config_.hidden; ++i) {
      shift.push_back(modulation[first * config_.hidden + i]);
      gain.push_back(1 + modulation[(first + 1) * config_.hidden + i]);
    }
    Table out;
    for (const Vector& row : x) out.push_back(layer_norm(row, gain, shift));
    return out;
  }

  void add(Table& x, const Table& y, const Vector* modulation, std::size_t gate) const {
    for (std::size_t r = 0; r < x.size(); ++r)
      for (std::size_t c = 0; c < config_.hidden; ++c)
        x[r][c] += (modulation ? (*modulation)[gate * config_.hidden + c] : 1) * y[r][c];
  }

  // Queries and keys of one row of qkv after RMSNorm: each head by itself, or all at once.
  Vector normed_heads(const std::string& name, const Vector& row) const {
    Vector out;
    for (std::size_t part = 0; part < 2 * config_.heads; ++part) {
      const auto begin = row.begin() + static_cast<std::ptrdiff_t>(part * config_.head_dim());
      const Vector head(begin, begin + static_cast<std::ptrdiff_t>(config_.head_dim()));
      const char* gain = part < config_.heads ? ".query_gain" : ".key_gain";
      for (const double v : rms_norm(head, tensors_.at(name + gain))) out.push_back(v);
    }
    out.insert(out.end(), row.begin() + static_cast<std::ptrdiff_t>(out.size()), row.end());
    return out;
  }

  Vector normed_whole(const std::string& name, const Vector& row) const {
    const auto hidden = static_cast<std::ptrdiff_t>(config_.hidden);
    Vector out =
        rms_norm(Vector(row.begin(), row.begin() + hidden), tensors_.at(name + ".query_gain"));
    for (const double v : rms_norm(Vector(row.begin() + hidden, row.begin() + 2 * hidden),
                                   tensors_.at(name + ".key_gain")))
      out.push_back(v);
    out.insert(out.end(), row.begin() + 2 * hidden, row.end());
    return out;
  }

  // All heads over [text, latents]; text is not turned.
  Table self_attention(const Table& qkv, std::size_t text) const {
    const std::size_t dim = config_.head_dim(), hidden = config_.hidden;
    Table out(qkv.size());
    for (std::size_t first = 0; first < hidden; first += dim) {
      Table q = columns(qkv, first, dim), k = columns(qkv, hidden + first, dim);
      std::size_t token = text;
      for (std::size_t f = 0; f < shape_.frames; ++f)
        for (std::size_t y = 0; y < shape_.rows(); ++y)
          for (std::size_t x = 0; x < shape_.columns(); ++x, ++token) {
            const double at[3] = {static_cast<double>(f), static_cast<double>(y),
                                  static_cast<double>(x)};
            q[token] = rope(q[token], config_, at);
            k[token] = rope(k[token], config_, at);
          }
      const Table head = attend(q, k, columns(qkv, 2 * hidden + first, dim));
      for (std::size_t t = 0; t < out.size(); ++t)
        out[t].insert(out[t].end(), head[t].begin(), head[t].end());
    }
    return out;
  }

  Table text_attention(const std::string& name, const Table& x, const Table& text) const {
    Table q, k, out(x.size());
    for (const Vector& row : linear(name + ".query", x))
      q.push_back(rms_norm(row, tensors_.at(name + ".query_gain")));
    for (const Vector& row : linear(name + ".key", text))
      k.push_back(rms_norm(row, tensors_.at(name + ".key_gain")));
    const Table v = linear(name + ".value", text);
    for (std::size_t first = 0; first < config_.hidden; first += config_.head_dim()) {
      const Table head =
          attend(columns(q, first, config_.head_dim()), columns(k, first, config_.head_dim()),
                 columns(v, first, config_.head_dim()));
      for (std::size_t t = 0; t < out.size(); ++t)
        out[t].insert(out[t].end(), head[t].begin(), head[t].end());
    }
    return linear(name + ".out", out);
  }

  const DitConfig& config_;
  const std::map<std::string, Vector>& tensors_;
  LatentShape shape_;
};

}  // namespace

Table velocity(const DitConfig& config, const std::map<std::string, Vector>& tensors,
               const LatentShape& shape, const Prompt& prompt, double sigma,
               const Matrix& latents) {
  Model model(config, tensors, shape);
  return config.architecture == DitConfig::Architecture::kJoint
             ? model.joint(prompt, sigma, latents)
             : model.cross(prompt, sigma, latents);
}

}  // namespace regroup::dit::reference
