// What the ranks of one step say to each other.
#pragma once

#include <cstddef>
#include <span>

namespace regroup::dit {

// Two ways to cut the same numbers [token][head][width] among the ranks of one sequence-parallel
// group (Ulysses: Jacobs et al., arXiv 2309.14509). With n ranks, rank r holds
//   by sequence: tokens [bounds[r], bounds[r + 1]) of every head, as [token][head][width];
//   by heads:    heads [r H / n, (r + 1) H / n) of every token, as [token][head][width].
// Both are dense and token-major, in ascending order. n divides H; token counts may be uneven or 0.
struct HeadSplit {
  std::span<const std::size_t> bounds;  // n + 1 positions in the sequence, ascending, from 0
  std::size_t heads = 0;                // H, of the whole
  std::size_t width = 0;                // floats a token and head

  std::size_t ranks() const { return bounds.size() - 1; }
  std::size_t tokens() const { return bounds.back(); }
  std::size_t local_heads() const { return heads / ranks(); }
};

// One rank's end of its group. A rank calls from one thread; every rank of the group makes the same
// calls in the same order. Buffers are the caller's: `in` may not be written, and `out` is
// complete, when the call returns. They never overlap. An implementation may throw when a peer has
// failed; the step is then lost and its latents are as before it.
class Collectives {
 public:
  virtual ~Collectives() = default;

  // From by sequence to by heads, among the ranks of this rank's branch.
  virtual void sequence_to_heads(const HeadSplit& split, std::span<const float> in,
                                 std::span<float> out) = 0;
  // And back.
  virtual void heads_to_sequence(const HeadSplit& split, std::span<const float> in,
                                 std::span<float> out) = 0;
  // With the rank that has the same tokens in the other guidance branch: its `in` becomes `out`.
  // Only called when the two branches run on different ranks (cfg = 2).
  virtual void swap_branches(std::span<const float> in, std::span<float> out) = 0;
};

// One of these calls, as a value: where a rank's work stops until its peers have come as far.
// Valid until the rank goes on.
struct Exchange {
  enum class Kind { kSequenceToHeads, kHeadsToSequence, kSwapBranches };
  Kind kind{};
  HeadSplit split{};  // not for kSwapBranches
  std::span<const float> in{};
  std::span<float> out{};
};

void perform(const Exchange& exchange, Collectives& collectives);

}  // namespace regroup::dit
