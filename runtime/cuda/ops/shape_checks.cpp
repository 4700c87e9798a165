#include "runtime/cuda/ops/shape_checks.hpp"

#include <string>

#include "core/errors.hpp"

namespace regroup::cuda {
namespace {

std::string words(const GemmShape& s) {
  return fmt::format("product {} x {} x {} (ld {}, {}, {})", s.m, s.n, s.k, s.ldx, s.ldw, s.ldy);
}

std::string words(const AttentionShape& s) {
  return fmt::format("attention of {} heads x {}, {} queries, {} keys", s.heads, s.head_dim,
                     s.queries, s.keys);
}

}  // namespace

void check_head_dim(int head_dim) {
  for (int allowed = 8; allowed <= 256; allowed *= 2)
    if (head_dim == allowed) return;
  fail<ConfigError>("head_dim {}; allowed: 8, 16, 32, 64, 128, 256", head_dim);
}

GemmShape checked(const GemmShape& shape) {
  GemmShape full = shape;
  if (full.ldx == 0) full.ldx = full.k;
  if (full.ldw == 0) full.ldw = full.k;
  if (full.ldy == 0) full.ldy = full.n;
  if (full.m < 0 || full.n < 1 || full.k < 1 || full.ldx < full.k || full.ldw < full.k ||
      full.ldy < full.n)
    fail<ConfigError>("{}: sizes must be positive and rows must not overlap", words(full));
  for (const std::int64_t size : {full.n, full.k, full.ldx, full.ldw, full.ldy})
    if (size % 8 != 0)
      fail<ConfigError>("{}: {} is not a multiple of 8, as n, k and all ld must be", words(full),
                        size);
  if (full.epilogue == GemmEpilogue::kBiasGelu && (full.accumulate || full.float_out))
    fail<ConfigError>("{}: with GELU, y is overwritten, and in bf16", words(full));
  return full;
}

void check_attention(const AttentionShape& shape) {
  if (shape.heads < 1 || shape.head_dim < 1 || shape.queries < 0 || shape.keys < 1)
    fail<ConfigError>("{}: heads, head_dim and keys must be positive", words(shape));
  if (!(shape.scale > 0))
    fail<ConfigError>("{}: scale {} is not positive", words(shape), shape.scale);
  for (const std::int64_t stride : {shape.q_row, shape.k_row, shape.v_row, shape.o_row,
                                    shape.q_head, shape.k_head, shape.v_head, shape.o_head})
    if (stride < shape.head_dim || stride % 8 != 0)
      fail<ConfigError>("{}: stride {}; allowed: multiples of 8 from head_dim on", words(shape),
                        stride);
}

void refuse_unprepared(const GemmShape& shape) {
  fail<InternalError>("{} was never prepared", words(shape));
}
void refuse_unprepared(const AttentionShape& shape) {
  fail<InternalError>("{} was never prepared", words(shape));
}

}  // namespace regroup::cuda
