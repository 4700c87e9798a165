// The blocks of FLUX.1 (black-forest-labs/flux, src/flux/modules/layers.py: DoubleStreamBlock and
// SingleStreamBlock); the double block is that of SD3 (arXiv 2403.03206, figure 2).
#include <algorithm>

#include "runtime/dit/block.hpp"
#include "runtime/dit/block_parts.hpp"

namespace regroup::dit {
namespace {

constexpr auto kNorm = QkvProjection::Norm::kEachHead;

// A double block's weights for one of its two streams.
class Stream {
 public:
  Stream(const DitConfig& config, WeightSource& source, const std::string& name)
      : hidden_(config.hidden),
        modulation_(source, name + ".modulation", hidden_, 6 * hidden_),
        qkv_(config, source, name + ".qkv", kNorm),
        out_(source, name + ".attention_out", hidden_, hidden_),
        mlp_(source, name + ".mlp", hidden_, config.mlp_hidden) {}

  // `first` is the rank's token in row 0. Leaves the modulation for after_attention().
  void before_attention(ConstRows x, std::size_t first, Activations& a,
                        std::vector<float>& modulation) const {
    if (x.rows == 0) return;
    modulation = modulation_(one_row(a.condition)).values;
    const Rows normed = a.normed.view().slice(first, x.rows);
    modulated_norm(x, part(modulation, kShift, hidden_), part(modulation, kScale, hidden_), normed);
    qkv_.apply(normed, a.rope, first, a.qkv.view().slice(first, x.rows));
  }

  void after_attention(Rows x, std::size_t first, Activations& a,
                       const std::vector<float>& modulation) const {
    if (x.rows == 0) return;
    const Rows attended = a.attended.view().slice(first, x.rows);
    add_gated(x, part(modulation, kGate, hidden_), out_(attended).view());
    const Rows normed = a.normed.view().slice(first, x.rows);
    modulated_norm(x, part(modulation, kMlpShift, hidden_), part(modulation, kMlpScale, hidden_),
                   normed);
    add_gated(x, part(modulation, kMlpGate, hidden_), mlp_(normed).view());
  }

 private:
  enum : std::size_t { kShift, kScale, kGate, kMlpShift, kMlpScale, kMlpGate };

  std::size_t hidden_;
  Linear modulation_;
  QkvProjection qkv_;
  Linear out_;
  Mlp mlp_;
};

class DoubleBlock final : public Block {
 public:
  DoubleBlock(const DitConfig& config, WeightSource& source, const std::string& name)
      : text_(config, source, name + ".text"), latents_(config, source, name + ".latents") {}

  void before_attention(Activations& a) const override {
    text_.before_attention(a.text(), 0, a, a.text_modulation);
    latents_.before_attention(a.latents(), a.text_rows, a, a.own_modulation);
  }

  void after_attention(Activations& a) const override {
    text_.after_attention(a.text(), 0, a, a.text_modulation);
    latents_.after_attention(a.latents(), a.text_rows, a, a.own_modulation);
  }

 private:
  Stream text_, latents_;
};

// Attention and MLP side by side, both from one norm and into one projection.
class SingleBlock final : public Block {
 public:
  SingleBlock(const DitConfig& config, WeightSource& source, const std::string& name)
      : hidden_(config.hidden),
        modulation_(source, name + ".modulation", hidden_, 3 * hidden_),
        qkv_(config, source, name + ".qkv", kNorm),
        mlp_in_(source, name + ".mlp_in", hidden_, config.mlp_hidden),
        out_(source, name + ".out", hidden_ + config.mlp_hidden, hidden_) {}

  void before_attention(Activations& a) const override {
    a.own_modulation = modulation_(one_row(a.condition)).values;
    modulated_norm(a.x.view(), part(a.own_modulation, kShift, hidden_),
                   part(a.own_modulation, kScale, hidden_), a.normed.view());
    qkv_.apply(a.normed.view(), a.rope, 0, a.qkv.view());
  }

  void after_attention(Activations& a) const override {
    Matrix both(a.x.rows, hidden_ + mlp_in_.out());
    for (std::size_t r = 0; r < both.rows; ++r)
      std::copy_n(a.attended.row(r).data(), hidden_, both.row(r).data());
    const Rows mlp = both.view().columns(hidden_, mlp_in_.out());
    mlp_in_.apply(a.normed.view(), mlp);
    gelu_tanh(mlp);
    add_gated(a.x.view(), part(a.own_modulation, kGate, hidden_), out_(both.view()).view());
  }

 private:
  enum : std::size_t { kShift, kScale, kGate };

  std::size_t hidden_;
  Linear modulation_;
  QkvProjection qkv_;
  Linear mlp_in_, out_;
};

}  // namespace

std::unique_ptr<const Block> double_block(const DitConfig& config, WeightSource& source,
                                          const std::string& name) {
  return std::make_unique<DoubleBlock>(config, source, name);
}

std::unique_ptr<const Block> single_block(const DitConfig& config, WeightSource& source,
                                          const std::string& name) {
  return std::make_unique<SingleBlock>(config, source, name);
}

}  // namespace regroup::dit
