// What every member must have, worked out byte by byte from the whole tensor, without the index
// maps of the library.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/random.hpp"
#include "runtime/collectives/tensor_blocks.hpp"

namespace regroup::collectives::testing {

using Bytes = std::vector<std::byte>;

// Which member has each of `total` things: counted out one by one, then handed over in order.
inline std::vector<int> owners(std::uint64_t total, int members) {
  std::vector<int> counts(static_cast<std::size_t>(members), 0);
  for (std::uint64_t i = 0; i < total; ++i) ++counts[i % static_cast<std::uint64_t>(members)];
  std::vector<int> owner;
  for (int member = 0; member < members; ++member)
    owner.insert(owner.end(), static_cast<std::size_t>(counts[static_cast<std::size_t>(member)]),
                 member);
  return owner;
}

// Of a sequence of two kinds, `leading` tokens first: each kind is dealt for itself, and the whole
// is in order of members.
inline std::vector<int> token_owners(const TensorShape& shape, int members) {
  std::vector<int> owner = owners(shape.leading, members);
  const std::vector<int> others = owners(shape.tokens - shape.leading, members);
  owner.insert(owner.end(), others.begin(), others.end());
  std::sort(owner.begin(), owner.end());
  return owner;
}

class Oracle {
 public:
  // `salt` tells the contents of one tensor from those of another.
  Oracle(const TensorShape& shape, int members, std::uint64_t salt)
      : shape_(shape),
        token_owner_(token_owners(shape, members)),
        head_owner_(owners(shape.heads, members)),
        salt_(salt) {}

  Bytes input(Op op, int member) const {
    return op == Op::kHeadsToSeq ? part(-1, member) : part(member, -1);
  }
  Bytes output(Op op, int member) const {
    if (op == Op::kAllGather) return part(-1, -1);
    return op == Op::kSeqToHeads ? part(-1, member) : part(member, -1);
  }

 private:
  // The tokens of one member and the heads of one; -1: of all.
  Bytes part(int tokens_of, int heads_of) const {
    Bytes bytes;
    for (std::uint64_t tensor = 0; tensor < shape_.tensors; ++tensor)
      for (std::uint64_t token = 0; token < shape_.tokens; ++token)
        for (std::uint64_t head = 0; head < shape_.heads; ++head)
          if ((tokens_of < 0 || token_owner_[token] == tokens_of) &&
              (heads_of < 0 || head_owner_[head] == heads_of))
            for (std::uint64_t i = 0; i < shape_.head_bytes; ++i)
              bytes.push_back(at(tensor, token, head, i));
    return bytes;
  }

  std::byte at(std::uint64_t tensor, std::uint64_t token, std::uint64_t head,
               std::uint64_t i) const {
    const std::uint64_t where = ((tensor << 16 | token) << 16 | head) << 16 | i;
    return static_cast<std::byte>(mix64(mix64(salt_) ^ where) & 0xff);
  }

  TensorShape shape_;
  std::vector<int> token_owner_;
  std::vector<int> head_owner_;
  std::uint64_t salt_;
};

}  // namespace regroup::collectives::testing
