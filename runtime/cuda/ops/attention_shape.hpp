// What an attention is, for whoever computes it. C++17.
#pragma once

#include <cmath>
#include <cstdint>

namespace regroup::cuda {

// Of every head h: o = softmax(scale q k^T) v, every query over all keys. q, o: [queries][heads]
// [head_dim], k, v: [keys][heads][head_dim], each as a strided view: token t of head h starts at
// t * *_row + h * *_head elements. All strides are multiples of 8.
struct AttentionShape {
  int heads = 0, head_dim = 0;
  std::int64_t queries = 0, keys = 0;                           // no queries: nothing is done
  std::int64_t q_row = 0, k_row = 0, v_row = 0, o_row = 0;      // from token to token
  std::int64_t q_head = 0, k_head = 0, v_head = 0, o_head = 0;  // from head to head
  float scale = 0;

  friend bool operator==(const AttentionShape& a, const AttentionShape& b) {
    return a.heads == b.heads && a.head_dim == b.head_dim && a.queries == b.queries &&
           a.keys == b.keys && a.q_row == b.q_row && a.k_row == b.k_row && a.v_row == b.v_row &&
           a.o_row == b.o_row && a.q_head == b.q_head && a.k_head == b.k_head &&
           a.v_head == b.v_head && a.o_head == b.o_head && a.scale == b.scale;
  }
};

// All four packed as [tokens][heads][head_dim], as the exchanges leave them; scale
// 1/sqrt(head_dim).
inline AttentionShape packed_attention(int heads, int head_dim, std::int64_t queries,
                                       std::int64_t keys) {
  const std::int64_t row = std::int64_t{heads} * head_dim, head = head_dim;
  return {heads,
          head_dim,
          queries,
          keys,
          row,
          row,
          row,
          row,
          head,
          head,
          head,
          head,
          1 / std::sqrt(static_cast<float>(head_dim))};
}

}  // namespace regroup::cuda
