#include "runtime/cuda/collectives/soak_bytes.hpp"

#include "core/random.hpp"
#include "runtime/cuda/portable/device_code.hpp"
#include "runtime/cuda/portable/launch.hpp"

namespace regroup::cuda {
namespace {

using collectives::Op;
using collectives::Shards;
using collectives::TensorShape;

constexpr unsigned kThreads = 256;
constexpr unsigned kBlocks = 4;

// Of the i-th byte of the part.
__device__ std::uint8_t byte_at(const TensorPart& part, std::uint64_t salt, std::uint64_t i) {
  const std::uint64_t in_head = i % part.shape.head_bytes;
  i /= part.shape.head_bytes;
  const std::uint64_t head = part.first_head + i % part.heads;
  i /= part.heads;
  const std::uint64_t token = part.first_token + i % part.tokens;
  const std::uint64_t tensor = i / part.tokens;
  const std::uint64_t where = ((tensor << 32 | token) << 12 | head) << 12 | in_head;
  return static_cast<std::uint8_t>(mix64(salt ^ where) & 0xff);
}

RG_KERNEL void __launch_bounds__(kThreads)
    fill_kernel(const __grid_constant__ TensorPart part, std::uint64_t salt, std::byte* to) {
  const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x;
  for (std::uint64_t i = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < part.bytes();
       i += step)
    to[i] = static_cast<std::byte>(byte_at(part, salt, i));
}

RG_KERNEL void __launch_bounds__(kThreads)
    check_kernel(const __grid_constant__ TensorPart part, std::uint64_t salt, std::byte* found,
                 unsigned long long* wrong) {
  const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x;
  unsigned long long count = 0;
  for (std::uint64_t i = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < part.bytes();
       i += step) {
    const std::uint8_t expected = byte_at(part, salt, i);
    if (found[i] != static_cast<std::byte>(expected)) ++count;
    found[i] = static_cast<std::byte>(~expected & 0xff);
  }
  if (count > 0) atomicAdd(wrong, count);
}

TensorPart sequence_part(const TensorShape& shape, int size, int me) {
  return {shape, first_token(shape, size, me), own_tokens(shape, size, me), 0, shape.heads};
}

TensorPart head_part(const TensorShape& shape, int size, int me) {
  const Shards heads{shape.heads, size};
  return {shape, 0, shape.tokens, heads.begin(me), heads.size(me)};
}

}  // namespace

TensorPart soak_input(Op op, const TensorShape& shape, int size, int me) {
  return op == Op::kHeadsToSeq ? head_part(shape, size, me) : sequence_part(shape, size, me);
}

TensorPart soak_output(Op op, const TensorShape& shape, int size, int me) {
  if (op == Op::kAllGather) return {shape, 0, shape.tokens, 0, shape.heads};
  return op == Op::kSeqToHeads ? head_part(shape, size, me) : sequence_part(shape, size, me);
}

void launch_soak_fill(cudaStream_t stream, const TensorPart& part, std::uint64_t salt,
                      std::byte* to) {
  launch(fill_kernel, {kBlocks, kThreads}, stream, part, salt, to);
}

void launch_soak_check(cudaStream_t stream, const TensorPart& part, std::uint64_t salt,
                       std::byte* found, unsigned long long* wrong) {
  launch(check_kernel, {kBlocks, kThreads}, stream, part, salt, found, wrong);
}

}  // namespace regroup::cuda
