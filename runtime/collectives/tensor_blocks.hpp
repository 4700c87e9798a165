// The index maps: which bytes of which member's tensor go where. All of them are strided blocks, so
// that a collective is "wait for the peer, copy one block", and nothing is packed or unpacked.
//
// Ulysses (arXiv 2309.14509, section 3.1) holds a tensor in one of two ways:
//   sharded by sequence  [tensors][own tokens][heads][head_bytes]   everywhere but in attention
//   sharded by head      [tensors][tokens][own heads][head_bytes]   in attention
// Tokens and heads are dealt as in shards.hpp; neither has to be divisible by the group's size.
//
// A joint sequence is two kinds of tokens, text and latents. Each kind is dealt for itself, so that
// members have the same work where both counts can be divided: a member holds its leading tokens,
// then its others, and all tokens are member 0's, then member 1's, and so on.
#pragma once

#include "runtime/collectives/host_device.hpp"
#include "runtime/collectives/shards.hpp"

namespace regroup::collectives {

// The whole tensor, as if one member had all of it; the same at every member.
struct TensorShape {
  std::uint64_t tokens = 0;
  std::uint32_t heads = 1;
  std::uint32_t head_bytes = 1;  // of one head of one token
  std::uint32_t tensors = 1;     // moved at once: 3 for query, key and value
  std::uint32_t leading = 0;     // how many of the tokens are of the first kind; at most `tokens`

  RG_HOST_DEVICE constexpr std::uint64_t token_bytes() const {
    return std::uint64_t{heads} * head_bytes;
  }
  RG_HOST_DEVICE constexpr std::uint64_t bytes() const { return tensors * tokens * token_bytes(); }

  RG_HOST_DEVICE friend constexpr bool operator==(const TensorShape& a, const TensorShape& b) {
    return a.tokens == b.tokens && a.heads == b.heads && a.head_bytes == b.head_bytes &&
           a.tensors == b.tensors && a.leading == b.leading;
  }
};

// How many tokens member `member` of `size` has, and which of all of them is its first;
// first_token(shape, size, size) is shape.tokens.
RG_HOST_DEVICE constexpr std::uint64_t own_tokens(const TensorShape& shape, int size, int member) {
  return Shards{shape.leading, size}.size(member) +
         Shards{shape.tokens - shape.leading, size}.size(member);
}
RG_HOST_DEVICE constexpr std::uint64_t first_token(const TensorShape& shape, int size, int member) {
  return Shards{shape.leading, size}.begin(member) +
         Shards{shape.tokens - shape.leading, size}.begin(member);
}

// Where a block lies in a buffer. Bytes.
struct Strided {
  std::uint64_t offset = 0;
  std::uint64_t row = 0;    // from one row to the next
  std::uint64_t plane = 0;  // from one plane to the next
};

// planes x rows runs of `run` bytes, contiguous each, in the buffer they come from and in the one
// they go to.
struct Block {
  std::uint64_t run = 0;
  std::uint64_t rows = 0;
  std::uint64_t planes = 0;
  Strided from;
  Strided to;

  RG_HOST_DEVICE constexpr std::uint64_t bytes() const { return run * rows * planes; }
};

// What a group can do together.
enum class Op : std::uint8_t { kNone, kBarrier, kAllGather, kSeqToHeads, kHeadsToSeq, kPut };

namespace detail {

// From sharded by sequence to whole at every member: all of the peer's tokens.
RG_HOST_DEVICE constexpr Block all_gather_block(const TensorShape& shape, int size, int peer) {
  const std::uint64_t run = own_tokens(shape, size, peer) * shape.token_bytes();
  const std::uint64_t first = first_token(shape, size, peer) * shape.token_bytes();
  return {run, 1, shape.tensors, {0, run, run}, {first, run, shape.tokens * shape.token_bytes()}};
}

// From sharded by sequence to sharded by head: of all of the peer's tokens, my heads.
RG_HOST_DEVICE constexpr Block seq_to_heads_block(const TensorShape& shape, int size, int me,
                                                  int peer) {
  const Shards heads{shape.heads, size};
  const std::uint64_t tokens = own_tokens(shape, size, peer);
  const std::uint64_t run = heads.size(me) * shape.head_bytes;
  return {run,
          tokens,
          shape.tensors,
          {heads.begin(me) * shape.head_bytes, shape.token_bytes(), tokens * shape.token_bytes()},
          {first_token(shape, size, peer) * run, run, shape.tokens * run}};
}

// And back: of all of the peer's heads, my tokens. What I take now is what the peer took from me on
// the way there, so it is that block with its ends exchanged.
RG_HOST_DEVICE constexpr Block heads_to_seq_block(const TensorShape& shape, int size, int me,
                                                  int peer) {
  const Block there = seq_to_heads_block(shape, size, peer, me);
  return {there.run, there.rows, there.planes, there.to, there.from};
}

}  // namespace detail

// What member `me` of `size` takes from the input of `peer` (which may be `me` itself) into its own
// output. Over all peers, the blocks fill the output exactly once. Empty where nothing is taken.
RG_HOST_DEVICE constexpr Block block_of(Op op, const TensorShape& shape, int size, int me,
                                        int peer) {
  switch (op) {
    case Op::kAllGather:
      return detail::all_gather_block(shape, size, peer);
    case Op::kSeqToHeads:
      return detail::seq_to_heads_block(shape, size, me, peer);
    case Op::kHeadsToSeq:
      return detail::heads_to_seq_block(shape, size, me, peer);
    case Op::kPut:
      return {shape.tokens, 1, 1, {}, {}};
    case Op::kNone:
    case Op::kBarrier:
      break;
  }
  return {};
}

// What member `me` of `size` holds of a tensor, in bytes; no member holds more than member 0.
RG_HOST_DEVICE constexpr std::uint64_t seq_shard_bytes(const TensorShape& shape, int size, int me) {
  return shape.tensors * own_tokens(shape, size, me) * shape.token_bytes();
}
RG_HOST_DEVICE constexpr std::uint64_t head_shard_bytes(const TensorShape& shape, int size,
                                                        int me) {
  return shape.tensors * shape.tokens * Shards{shape.heads, size}.size(me) * shape.head_bytes;
}

// Of a collective, in bytes.
RG_HOST_DEVICE constexpr std::uint64_t input_bytes(Op op, const TensorShape& shape, int size,
                                                   int me) {
  if (op == Op::kHeadsToSeq) return head_shard_bytes(shape, size, me);
  return op == Op::kBarrier ? 0 : seq_shard_bytes(shape, size, me);
}
RG_HOST_DEVICE constexpr std::uint64_t output_bytes(Op op, const TensorShape& shape, int size,
                                                    int me) {
  if (op == Op::kAllGather) return shape.bytes();
  if (op == Op::kSeqToHeads) return head_shard_bytes(shape, size, me);
  return op == Op::kBarrier ? 0 : seq_shard_bytes(shape, size, me);
}

}  // namespace regroup::collectives
