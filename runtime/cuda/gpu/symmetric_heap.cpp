#include "runtime/cuda/gpu/symmetric_heap.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/errors.hpp"
#include "runtime/cuda/gpu/arming.hpp"
#include "runtime/cuda/gpu/driver.hpp"
#include "runtime/cuda/gpu/machine.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

CUmemAllocationProp memory_of(int ordinal) {
  CUmemAllocationProp wanted{};
  wanted.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  wanted.location = {CU_MEM_LOCATION_TYPE_DEVICE, {ordinal}};
  return wanted;
}

std::vector<int> each_once(std::span<const int> ordinals) {
  std::vector<int> each(ordinals.begin(), ordinals.end());
  std::sort(each.begin(), each.end());
  each.erase(std::unique(each.begin(), each.end()), each.end());
  return each;
}

// All GPUs take part, so the coarsest counts.
std::uint64_t granularity_of(std::span<const int> ordinals) {
  std::size_t coarsest = 1;
  for (const int ordinal : ordinals) {
    const CUmemAllocationProp wanted = memory_of(ordinal);
    std::size_t granularity = 0;
    check_driver(driver().mem_get_allocation_granularity(&granularity, &wanted,
                                                         CU_MEM_ALLOC_GRANULARITY_RECOMMENDED),
                 fmt::format("asking gpu{} for its granularity of memory", ordinal));
    coarsest = std::max(coarsest, granularity);
  }
  return coarsest;
}

void require_peer_access(std::span<const int> ordinals) {
  for (const int from : ordinals)
    for (const int to : ordinals) {
      int reaches = from == to ? 1 : 0;
      if (from != to)
        check(cudaDeviceCanAccessPeer(&reaches, from, to), "asking for peer access between GPUs");
      if (reaches == 0)
        fail<CudaError>(
            "gpu{} cannot read the memory of gpu{}: ranks need NVLink, or PCIe with peer access "
            "(nvidia-smi topo -p2p r); choose GPUs that have it, or slices of one GPU",
            from, to);
    }
}

}  // namespace

SymmetricHeap::Reservation::Reservation(std::uint64_t bytes) : bytes_(bytes) {
  check_driver(driver().mem_address_reserve(&base_, bytes, 0, 0, 0),
               fmt::format("reserving {} bytes of addresses for the symmetric heap", bytes));
}

SymmetricHeap::Reservation::~Reservation() {
  for (const Mapping& mapping : mappings_)
    static_cast<void>(driver().mem_unmap(mapping.address, mapping.bytes));
  static_cast<void>(driver().mem_address_free(base_, bytes_));
}

void SymmetricHeap::Reservation::back(std::uint64_t offset, std::uint64_t bytes, int ordinal) {
  const CUmemAllocationProp wanted = memory_of(ordinal);
  const std::string what =
      fmt::format("allocating {} bytes of gpu{} for a rank's symmetric heap", bytes, ordinal);
  CUmemGenericAllocationHandle memory = 0;
  mappings_.reserve(mappings_.size() + 1);
  check_driver(driver().mem_create(&memory, bytes, &wanted, 0), what);
  const CUresult mapped = driver().mem_map(base_ + offset, bytes, 0, memory, 0);
  // The mapping keeps the memory.
  static_cast<void>(driver().mem_release(memory));
  check_driver(mapped, what);
  mappings_.push_back({base_ + offset, bytes});
}

SymmetricHeap::SymmetricHeap(std::span<const int> ordinals, const collectives::HeapLayout& layout)
    : layout_(with_aligned_stride(layout, granularity_of(ordinals))),
      reservation_(ordinals.size() * layout_.stride()) {
  forbid_if_armed("allocating the symmetric heap");
  const std::vector<int> gpus = each_once(ordinals);
  require_peer_access(gpus);
  for (std::size_t rank = 0; rank < ordinals.size(); ++rank)
    reservation_.back(rank * layout_.stride(), layout_.stride(), ordinals[rank]);

  std::vector<CUmemAccessDesc> access;
  for (const int ordinal : gpus)
    access.push_back({memory_of(ordinal).location, CU_MEM_ACCESS_FLAGS_PROT_READWRITE});
  const std::uint64_t bytes = ordinals.size() * layout_.stride();
  check_driver(driver().mem_set_access(reservation_.base(), bytes, access.data(), access.size()),
               "letting all GPUs reach the symmetric heap");

  heap_ = {reinterpret_cast<std::byte*>(reservation_.base()), layout_};
  for (std::size_t rank = 0; rank < ordinals.size(); ++rank) {
    check(cudaSetDevice(ordinals[rank]), "choosing a GPU");
    check(cudaMemset(heap_.region(static_cast<int>(rank)), 0, layout_.stride()),
          "clearing the symmetric heap");
    check(cudaDeviceSynchronize(), "clearing the symmetric heap");
  }
}

SymmetricHeap::~SymmetricHeap() = default;

}  // namespace regroup::cuda
