// What the soak moves: bytes that can be told from all others, made and checked on the device.
// C++17.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/collectives/tensor_blocks.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// What a member holds: some tokens and some heads of every tensor, [tensors][tokens][heads][bytes].
struct TensorPart {
  collectives::TensorShape shape;
  std::uint64_t first_token = 0, tokens = 0;
  std::uint64_t first_head = 0, heads = 0;

  RG_HOST_DEVICE std::uint64_t bytes() const {
    return shape.tensors * tokens * heads * shape.head_bytes;
  }
};

TensorPart soak_input(collectives::Op op, const collectives::TensorShape& shape, int size, int me);
TensorPart soak_output(collectives::Op op, const collectives::TensorShape& shape, int size, int me);

// Both only enqueue. `salt` tells one tensor's contents from another's.
void launch_soak_fill(cudaStream_t stream, const TensorPart& part, std::uint64_t salt,
                      std::byte* to);
// Adds to *wrong how many bytes of `found` are not what they should be, and spoils them all, so
// that nothing can come out right by having been right before.
void launch_soak_check(cudaStream_t stream, const TensorPart& part, std::uint64_t salt,
                       std::byte* found, unsigned long long* wrong);

}  // namespace regroup::cuda
