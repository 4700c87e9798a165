// One-sided copies into other ranks' windows, on a channel of their own: migration of latents to
// the ranks that join a group, while the collectives of both go on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "runtime/collectives/block_copy.hpp"
#include "runtime/collectives/failure.hpp"
#include "runtime/collectives/protocol.hpp"
#include "runtime/collectives/rank_group.hpp"
#include "runtime/collectives/waiting.hpp"
#include "runtime/collectives/world.hpp"

namespace regroup::collectives {

// One for each rank, used by one thread at a time, which may be another than that of its
// Collectives; what is said there of order, failures and deadlines holds here too. The first member
// of a group is the source, the others receive.
//
// Which part of a window is free is the caller's affair: nothing but its end is checked, and a put
// may land before its receiver has asked for it.
template <class Pause, class Clock>
class Puts {
 public:
  // The world must outlive this.
  Puts(World& world, int rank, Pause pause, Clock clock)
      : world_(world),
        channel_(world.channel(rank, Channel::kPuts)),
        pause_(std::move(pause)),
        clock_(std::move(clock)) {}

  // At the source: writes `data` into every receiver's window at `offset` (bytes) and returns,
  // whatever the receivers do; waits only for one that has not awaited the put before the last.
  [[nodiscard]] Status put(const RankGroup& group, std::uint64_t offset,
                           std::span<const std::byte> data, std::int64_t deadline_ns) {
    const RankChannel::Occupied occupied(channel_);
    if (failure().status != Status::kOk) return failure().status;
    Notice own = notice(group, offset, data.size());
    if (const Status status = check(own, true); status != Status::kOk) return status;
    if (world_.checksums()) own.checksum = sum(own, data.data());
    for (int i = 1; i < group.size; ++i) {
      const int peer = group.ranks[i];
      if (const Status status = await_free_cell(own, peer, deadline_ns); status != Status::kOk)
        return status;
      if (!data.empty()) std::memcpy(world_.heap().window(peer) + offset, data.data(), data.size());
      publish(channel_.port, channel_.ledger, peer, own);
    }
    return Status::kOk;
  }

  // At a receiver: returns when the source has put these bytes. They lie in World::window(rank()).
  [[nodiscard]] Status await_put(const RankGroup& group, std::uint64_t offset, std::uint64_t bytes,
                                 std::int64_t deadline_ns) {
    const RankChannel::Occupied occupied(channel_);
    if (failure().status != Status::kOk) return failure().status;
    const Notice own = notice(group, offset, bytes);
    if (const Status status = check(own, false); status != Status::kOk) return status;
    const int source = group.ranks[0];
    Ledger& ledger = channel_.ledger;
    const Arrival arrival = await_notice(channel_.port, ledger, source, own, watchdog(deadline_ns));
    if (arrival.status != Status::kOk)
      return channel_.fail(arrival, Awaited::kNotice, source, ledger.awaited[source], own);
    if (world_.checksums()) {
      const std::uint64_t found = sum(own, world_.heap().window(rank()) + offset);
      if (found != arrival.notice->checksum)
        return channel_.fail_corrupted(source, own, *arrival.notice, found);
    }
    acknowledge(channel_.port, ledger, source);
    return Status::kOk;
  }

  int rank() const { return channel_.port.self; }
  // Status kOk: none since the world was armed.
  const Failure& failure() const { return channel_.failure; }

 private:
  static Notice notice(const RankGroup& group, std::uint64_t offset, std::uint64_t bytes) {
    return {group, {bytes, 1, 1, 1}, offset, 0, Op::kPut};
  }

  static std::uint64_t sum(const Notice& own, const std::byte* data) {
    return checksum(block_of(Op::kPut, own.shape, own.group.size, 0, 0), {}, data);
  }

  Watchdog<Pause, Clock> watchdog(std::int64_t deadline_ns) const {
    return {pause_, clock_, deadline_ns};
  }

  Status check(const Notice& own, bool as_source) {
    const int me = own.group.position(rank());
    if (me < 0)
      return channel_.refuse(Refusal::kNotMember, own, static_cast<std::uint64_t>(rank()), 0);
    if ((me == 0) != as_source)
      return channel_.refuse(Refusal::kNotSource, own, static_cast<std::uint64_t>(rank()), 0);
    const std::uint64_t window = world_.heap().layout.window_bytes;
    if (own.offset > window || own.shape.tokens > window - own.offset)
      return channel_.refuse(Refusal::kWindowBytes, own, own.offset + own.shape.tokens, window);
    return Status::kOk;
  }

  // The notice before the last has been read: its cell is written next.
  Status await_free_cell(const Notice& own, int peer, std::int64_t deadline_ns) {
    const std::uint64_t published = channel_.ledger.published[peer];
    if (published < 2) return Status::kOk;
    const Arrival arrival = await_acknowledgement(channel_.port, channel_.ledger, peer,
                                                  published - 1, watchdog(deadline_ns));
    if (arrival.status == Status::kOk) return Status::kOk;
    return channel_.fail(arrival, Awaited::kAcknowledgement, peer, published - 1, own);
  }

  World& world_;
  RankChannel& channel_;
  Pause pause_;
  Clock clock_;
};

}  // namespace regroup::collectives
