// The symmetric heap: one region a rank, all of one size and one layout, at base + rank * stride,
// so that every rank finds every other's memory by arithmetic. Set up once for the world.
//
//   region of a rank:  Pad | staging slot 0 .. kStagingSlots - 1 | window
#pragma once

#include <cstddef>

#include "runtime/collectives/host_device.hpp"
#include "runtime/collectives/rank_group.hpp"
#include "runtime/collectives/tensor_blocks.hpp"

namespace regroup::collectives {

// What a rank does at one end of its edges. Each has counters, failures and a thread of its own:
// none ever waits for another of the same rank.
enum class Channel : std::uint8_t { kCollectives, kPuts, kReceipts };
inline constexpr int kChannels = 3;

// Puts and their receipts are the two ends of the same edges.
inline constexpr int kEdgeSets = 2;
RG_HOST_DEVICE constexpr int edge_set(Channel channel) {
  return channel == Channel::kCollectives ? 0 : 1;
}

// What a rank says to one peer when it enters an operation. The peer compares it with what it is
// about to do itself.
struct Notice {
  RankGroup group;
  TensorShape shape;           // kPut: `tokens` bytes, everything else 1
  std::uint64_t offset = 0;    // kPut: in the receiver's window; others: in the sender's staging
  std::uint64_t checksum = 0;  // of the bytes that this peer will take; 0 if the world keeps none
  Op op = Op::kNone;

  // Whether two ranks mean the same operation. Where a collective is staged is the sender's affair.
  RG_HOST_DEVICE friend constexpr bool same_operation(const Notice& a, const Notice& b) {
    return a.op == b.op && a.group == b.group && a.shape == b.shape &&
           (a.op != Op::kPut || a.offset == b.offset);
  }
};

// All that rank `source` ever writes at rank `owner`, for one set of edges: one writer, so no locks
// and no read-modify-write. (For puts, the sending end writes the cells and the receiving end the
// acknowledgement; either raises the alarm, and one is as good as the other.) Stamps are (epoch,
// sequence number); see protocol.hpp.
struct alignas(128) Cell {
  Notice notice;
  std::uint64_t stamp;  // written after the notice
};
struct alignas(128) Edge {
  // In turn. A third notice may be written once the first has been read; protocol.hpp says why it
  // then has been.
  Cell cells[2];
  std::uint64_t acknowledged;  // source has taken what owner announced up to this stamp
  std::uint64_t alarm;         // source has failed, and why
};
struct Pad {
  Edge edges[kEdgeSets][kMaxRanks];  // [edge_set(channel)][source]
};

// A collective may leave before its peers have taken its bytes; it waits for them only when the
// same slot comes round again.
inline constexpr int kStagingSlots = 4;
inline constexpr std::uint64_t kHeapAlignment = 4096;

struct HeapLayout {
  int world = 0;
  std::uint64_t slot_bytes = 0;    // one operation of one rank; a multiple of kHeapAlignment
  std::uint64_t window_bytes = 0;  // what others may put here; a multiple of kHeapAlignment

  RG_HOST_DEVICE constexpr std::uint64_t staging_offset(int slot) const {
    return round_up(sizeof(Pad)) + static_cast<std::uint64_t>(slot) * slot_bytes;
  }
  RG_HOST_DEVICE constexpr std::uint64_t window_offset() const {
    return staging_offset(kStagingSlots);
  }
  RG_HOST_DEVICE constexpr std::uint64_t stride() const { return window_offset() + window_bytes; }

  RG_HOST_DEVICE static constexpr std::uint64_t round_up(std::uint64_t bytes) {
    return (bytes + kHeapAlignment - 1) / kHeapAlignment * kHeapAlignment;
  }
};

// A view of the heap; the memory belongs to whoever set it up (on the host: World), zeroed.
struct Heap {
  std::byte* base = nullptr;
  HeapLayout layout;

  RG_HOST_DEVICE std::byte* region(int rank) const {
    return base + static_cast<std::uint64_t>(rank) * layout.stride();
  }
  RG_HOST_DEVICE Pad& pad(int rank) const { return *reinterpret_cast<Pad*>(region(rank)); }
  RG_HOST_DEVICE std::byte* staging(int rank, int slot) const {
    return region(rank) + layout.staging_offset(slot);
  }
  RG_HOST_DEVICE std::byte* window(int rank) const { return region(rank) + layout.window_offset(); }
};

}  // namespace regroup::collectives
