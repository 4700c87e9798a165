// One block of the transformer, cut where the ranks must meet: at its self-attention.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/dit/config.hpp"
#include "runtime/dit/rope.hpp"
#include "runtime/dit/weights.hpp"

namespace regroup::dit {

// Everything a rank keeps during one forward pass. Rows are its own tokens, text first.
struct Activations {
  std::size_t text_rows = 0;      // kJoint: the first rows of x
  Matrix x;                       // [rows][hidden], the residual stream
  std::vector<float> condition;   // [hidden]: of time and pooled text; kJoint: after SiLU
  std::vector<float> modulation;  // kCross: [6][hidden], of the time, before each block's share
  Matrix context;                 // kCross: [text_tokens][hidden]
  RopeTable rope;                 // of the rows
  Matrix qkv;                     // [rows][head][query, key, value][head_dim]
  Matrix attended;                // [rows][hidden], the self-attention's result

  // From before_attention() to after_attention() of the same block.
  Matrix normed;                       // [rows][hidden]
  std::vector<float> text_modulation;  // kJoint, double blocks
  std::vector<float> own_modulation;

  Rows text() { return x.view().slice(0, text_rows); }
  Rows latents() { return x.view().slice(text_rows, x.rows - text_rows); }
};

// Immutable; used by all ranks at once.
class Block {
 public:
  virtual ~Block() = default;
  // From x to qkv: modulation, projections, RMSNorm of queries and keys, rotation.
  virtual void before_attention(Activations& a) const = 0;
  // From x and attended to x: projection, what else the block does, its MLP.
  virtual void after_attention(Activations& a) const = 0;
};

// Reads the tensors under "<name>.".
std::unique_ptr<const Block> double_block(const DitConfig&, WeightSource&, const std::string& name);
std::unique_ptr<const Block> single_block(const DitConfig&, WeightSource&, const std::string& name);
std::unique_ptr<const Block> cross_block(const DitConfig&, WeightSource&, const std::string& name);

}  // namespace regroup::dit
