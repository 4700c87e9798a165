// What a collective is to NCCL: from every member to every other one a run of bytes. Where such a
// run does not lie in one piece in the tensors, it is packed into a parcel, and unpacked again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/collectives/rank_group.hpp"
#include "runtime/collectives/tensor_blocks.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// One member's part of an exchange; a kernel parameter.
struct Transfer {
  collectives::Op op = collectives::Op::kNone;
  collectives::TensorShape shape;
  int size = 0;  // of the group
  int me = 0;    // position in it
};

enum class Way : std::uint8_t { kOut, kIn };

// What goes to `peer`, or comes from it.
struct Parcel {
  collectives::Block block;
  std::uint64_t at = 0;  // where: in the tensor if `direct`, otherwise in the memory for parcels
  bool direct = false;   // in one piece in the tensor

  RG_HOST_DEVICE std::uint64_t bytes() const { return block.bytes(); }
};

namespace detail {

RG_HOST_DEVICE constexpr bool in_one_piece(const collectives::Block& block,
                                           const collectives::Strided& side) {
  return (block.rows <= 1 || side.row == block.run) &&
         (block.planes <= 1 || side.plane == block.run * block.rows);
}

}  // namespace detail

// To be asked in one order of all peers but `me`, with `used` 0 at first: the bytes of parcels so
// far, each from a multiple of 16.
RG_HOST_DEVICE inline Parcel parcel_of(const Transfer& transfer, Way way, int peer,
                                       std::uint64_t& used) {
  const bool out = way == Way::kOut;
  Parcel parcel;
  parcel.block = collectives::block_of(transfer.op, transfer.shape, transfer.size,
                                       out ? peer : transfer.me, out ? transfer.me : peer);
  const collectives::Strided& side = out ? parcel.block.from : parcel.block.to;
  parcel.direct = detail::in_one_piece(parcel.block, side);
  parcel.at = parcel.direct ? side.offset : used;
  if (!parcel.direct) used += (parcel.bytes() + 15) / 16 * 16;
  return parcel;
}

// The i-th peer, from 1 to size - 1: from the successor on, so that not all begin with the same.
RG_HOST_DEVICE inline int peer_of(const Transfer& transfer, int i) {
  return (transfer.me + i) % transfer.size;
}

// Memory for the parcels of one way, whatever the shape, if no member gives or takes more than
// `tensor_bytes`.
constexpr std::uint64_t parcel_memory(std::uint64_t tensor_bytes) {
  return tensor_bytes + 16 * collectives::kMaxRanks;
}
// What these need.
std::uint64_t parcel_bytes(const Transfer& transfer, Way way);

// Enqueues: packs what goes out, and copies what stays here.
void launch_pack(cudaStream_t stream, const Transfer& transfer, const std::byte* input,
                 std::byte* parcels, std::byte* output);
// Enqueues: unpacks what came.
void launch_unpack(cudaStream_t stream, const Transfer& transfer, const std::byte* parcels,
                   std::byte* output);

}  // namespace regroup::cuda
