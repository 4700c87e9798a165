// How an operation can end, and what is known when it ends badly. Plain data: a kernel can fill it
// in.
#pragma once

#include "runtime/collectives/heap.hpp"
#include "runtime/collectives/host_device.hpp"

namespace regroup::collectives {

enum class Status : std::uint8_t {
  kOk,
  kMismatch,   // the peer is at another operation
  kTimeout,    // the peer did nothing until the deadline
  kAborted,    // the peer had failed before
  kCorrupted,  // the bytes taken are not those announced (only in a world with checksums)
  kRefused,    // this rank was asked for something that cannot be; nothing was sent
};

// What a rank was waiting for.
enum class Awaited : std::uint8_t {
  kNotice,           // the peer's entering the same operation
  kAcknowledgement,  // the peer's having taken what an earlier operation announced
};

enum class Refusal : std::uint8_t {
  kNone,
  kNotMember,    // asked: this rank
  kInputBytes,   // asked: bytes given; allowed: bytes of this member's shard
  kOutputBytes,  // likewise
  kSlotBytes,    // asked: bytes of the largest shard; allowed: bytes of a staging slot
  kWindowBytes,  // asked: end of what is put, as an offset; allowed: bytes of a window
  kNotSource,    // put by another than the group's first member, or awaited by it
};

struct Failure {
  Status status = Status::kOk;
  Awaited awaited = Awaited::kNotice;  // kTimeout, kAborted
  Refusal refusal = Refusal::kNone;    // kRefused
  Channel channel = Channel::kCollectives;
  std::uint8_t rank = 0;       // who reports
  std::uint8_t peer = 0;       // the other end of the edge; kRefused: `rank` itself
  Status peer_status{};        // kAborted: how the peer had failed ...
  std::uint8_t accused = 0;    // ... and whom it named
  std::uint64_t sequence = 0;  // the how manyth notice of this edge, counted from 1
  Notice own;                  // what `rank` was doing
  Notice theirs;               // kMismatch: what `peer` was doing
  std::uint64_t asked = 0;     // kRefused; kCorrupted: checksum found
  std::uint64_t allowed = 0;   // kRefused; kCorrupted: checksum announced
};

}  // namespace regroup::collectives
