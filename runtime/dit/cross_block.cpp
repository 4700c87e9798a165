// The block of Wan2.1 (Wan-Video/Wan2.1, wan/modules/model.py: WanAttentionBlock).
#include "runtime/dit/block.hpp"
#include "runtime/dit/block_parts.hpp"

namespace regroup::dit {
namespace {

// Attention of the latents to the text. The text is on every rank, so each rank attends with its
// own tokens, all heads, and exchanges nothing; the text's keys and values are computed everywhere.
class TextAttention {
 public:
  TextAttention(const DitConfig& config, WeightSource& source, const std::string& name)
      : head_dim_(config.head_dim()),
        query_(source, name + ".query", config.hidden, config.hidden),
        key_(source, name + ".key", config.hidden, config.hidden),
        value_(source, name + ".value", config.hidden, config.hidden),
        out_(source, name + ".out", config.hidden, config.hidden),
        query_gain_(read_vector(source, name + ".query_gain", config.hidden)),
        key_gain_(read_vector(source, name + ".key_gain", config.hidden)) {}

  Matrix operator()(ConstRows x, ConstRows text) const {
    Matrix queries = query_(x), keys = key_(text);
    const Matrix values = value_(text);
    rms_norm(queries.view(), query_gain_);
    rms_norm(keys.view(), key_gain_);
    Matrix attended(x.rows, x.cols);
    for (std::size_t first = 0; first < x.cols; first += head_dim_)
      attend(queries.view().columns(first, head_dim_), keys.view().columns(first, head_dim_),
             values.view().columns(first, head_dim_), attended.view().columns(first, head_dim_));
    return out_(attended.view());
  }

 private:
  std::size_t head_dim_;
  Linear query_, key_, value_, out_;
  std::vector<float> query_gain_, key_gain_;
};

class CrossBlock final : public Block {
 public:
  CrossBlock(const DitConfig& config, WeightSource& source, const std::string& name)
      : hidden_(config.hidden),
        table_(read_vector(source, name + ".modulation", 6 * hidden_)),
        qkv_(config, source, name + ".qkv", QkvProjection::Norm::kAllHeads),
        out_(source, name + ".attention_out", hidden_, hidden_),
        text_gain_(read_vector(source, name + ".text_norm.gain", hidden_)),
        text_offset_(read_vector(source, name + ".text_norm.offset", hidden_)),
        text_(config, source, name + ".text_attention"),
        mlp_(source, name + ".mlp", hidden_, config.mlp_hidden) {}

  void before_attention(Activations& a) const override {
    a.own_modulation = table_;
    add_gated(one_row(a.own_modulation), {}, one_row(a.modulation));
    modulated_norm(a.x.view(), part(a.own_modulation, kShift, hidden_),
                   part(a.own_modulation, kScale, hidden_), a.normed.view());
    qkv_.apply(a.normed.view(), a.rope, 0, a.qkv.view());
  }

  void after_attention(Activations& a) const override {
    const Rows x = a.x.view(), normed = a.normed.view();
    add_gated(x, part(a.own_modulation, kGate, hidden_), out_(a.attended.view()).view());
    layer_norm(x, text_gain_, text_offset_, normed);
    add_gated(x, {}, text_(normed, a.context.view()).view());
    modulated_norm(x, part(a.own_modulation, kMlpShift, hidden_),
                   part(a.own_modulation, kMlpScale, hidden_), normed);
    add_gated(x, part(a.own_modulation, kMlpGate, hidden_), mlp_(normed).view());
  }

 private:
  enum : std::size_t { kShift, kScale, kGate, kMlpShift, kMlpScale, kMlpGate };

  std::size_t hidden_;
  std::vector<float> table_;  // this block's share of the modulation
  QkvProjection qkv_;
  Linear out_;
  std::vector<float> text_gain_, text_offset_;
  TextAttention text_;
  Mlp mlp_;
};

}  // namespace

std::unique_ptr<const Block> cross_block(const DitConfig& config, WeightSource& source,
                                         const std::string& name) {
  return std::make_unique<CrossBlock>(config, source, name);
}

}  // namespace regroup::dit
