#include "runtime/cuda/nccl/parcels.hpp"

#include "runtime/cuda/collectives/device_copy.hpp"
#include "runtime/cuda/portable/launch.hpp"

namespace regroup::cuda {
namespace {

using collectives::Block;
using collectives::Strided;

// A GPU has bandwidth enough for all of it with this many.
constexpr unsigned kBlocks = 64;

__device__ Strided as_parcel(const Block& block) { return {0, block.run, block.run * block.rows}; }

RG_KERNEL void __launch_bounds__(kCopyThreads)
    pack_kernel(const __grid_constant__ Transfer transfer, const std::byte* input,
                std::byte* parcels, std::byte* output) {
  copy_block(
      collectives::block_of(transfer.op, transfer.shape, transfer.size, transfer.me, transfer.me),
      input, output);
  std::uint64_t used = 0;
  for (int i = 1; i < transfer.size; ++i) {
    Parcel parcel = parcel_of(transfer, Way::kOut, peer_of(transfer, i), used);
    if (parcel.direct) continue;
    parcel.block.to = as_parcel(parcel.block);
    copy_block(parcel.block, input, parcels + parcel.at);
  }
}

RG_KERNEL void __launch_bounds__(kCopyThreads)
    unpack_kernel(const __grid_constant__ Transfer transfer, const std::byte* parcels,
                  std::byte* output) {
  std::uint64_t used = 0;
  for (int i = 1; i < transfer.size; ++i) {
    Parcel parcel = parcel_of(transfer, Way::kIn, peer_of(transfer, i), used);
    if (parcel.direct) continue;
    parcel.block.from = as_parcel(parcel.block);
    copy_block(parcel.block, parcels + parcel.at, output);
  }
}

}  // namespace

std::uint64_t parcel_bytes(const Transfer& transfer, Way way) {
  std::uint64_t used = 0;
  for (int i = 1; i < transfer.size; ++i) parcel_of(transfer, way, peer_of(transfer, i), used);
  return used;
}

void launch_pack(cudaStream_t stream, const Transfer& transfer, const std::byte* input,
                 std::byte* parcels, std::byte* output) {
  launch(pack_kernel, {kBlocks, kCopyThreads}, stream, transfer, input, parcels, output);
}

void launch_unpack(cudaStream_t stream, const Transfer& transfer, const std::byte* parcels,
                   std::byte* output) {
  if (parcel_bytes(transfer, Way::kIn) == 0) return;
  launch(unpack_kernel, {kBlocks, kCopyThreads}, stream, transfer, parcels, output);
}

}  // namespace regroup::cuda
