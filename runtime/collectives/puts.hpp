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

namespace detail {

// What the two ends of a put have in common.
template <class Pause, class Clock>
class PutEnd {
 public:
  PutEnd(World& world, int rank, Channel channel, Pause pause, Clock clock)
      : world_(world),
        channel_(world.channel(rank, channel)),
        pause_(std::move(pause)),
        clock_(std::move(clock)) {}

  int rank() const { return channel_.port.self; }
  // Status kOk: none since the world was armed.
  const Failure& failure() const { return channel_.failure; }

 protected:
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

  World& world_;
  RankChannel& channel_;
  Pause pause_;
  Clock clock_;
};

}  // namespace detail

// The sending end, one for each rank. A thread at a time uses it, which may be another than that of
// the rank's Collectives or Receipts; what is said there of order, failures and deadlines holds
// here too. The first member of a group is the source, the others receive.
//
// Which part of a window is free is the caller's affair: nothing but its end is checked, and a put
// may land before its receiver has asked for it.
template <class Pause, class Clock>
class Puts : public detail::PutEnd<Pause, Clock> {
 public:
  // The world must outlive this.
  Puts(World& world, int rank, Pause pause, Clock clock)
      : detail::PutEnd<Pause, Clock>(world, rank, Channel::kPuts, std::move(pause),
                                     std::move(clock)) {}

  // Writes `data` into every receiver's window at `offset` (bytes) and returns, whatever the
  // receivers do; waits only for one that has not awaited the put before the last.
  [[nodiscard]] Status put(const RankGroup& group, std::uint64_t offset,
                           std::span<const std::byte> data, std::int64_t deadline_ns) {
    RankChannel& channel = this->channel_;
    const RankChannel::Occupied occupied(channel);
    if (channel.failure.status != Status::kOk) return channel.failure.status;
    Notice own = this->notice(group, offset, data.size());
    if (const Status status = this->check(own, true); status != Status::kOk) return status;
    if (this->world_.checksums()) own.checksum = this->sum(own, data.data());
    for (int i = 1; i < group.size; ++i) {
      const int peer = group.ranks[i];
      if (const Status status = await_free_cell(own, peer, deadline_ns); status != Status::kOk)
        return status;
      if (!data.empty())
        std::memcpy(this->world_.heap().window(peer) + offset, data.data(), data.size());
      publish(channel.port, channel.ledger, peer, own);
    }
    return Status::kOk;
  }

 private:
  // The notice before the last has been read: its cell is written next.
  Status await_free_cell(const Notice& own, int peer, std::int64_t deadline_ns) {
    RankChannel& channel = this->channel_;
    const std::uint64_t published = channel.ledger.published[peer];
    if (published < 2) return Status::kOk;
    const Arrival arrival = await_acknowledgement(channel.port, channel.ledger, peer, published - 1,
                                                  this->watchdog(deadline_ns));
    if (arrival.status == Status::kOk) return Status::kOk;
    return channel.fail(arrival, Awaited::kAcknowledgement, peer, published - 1, own);
  }
};

// The receiving end, one for each rank; a thread at a time uses it.
template <class Pause, class Clock>
class Receipts : public detail::PutEnd<Pause, Clock> {
 public:
  // The world must outlive this.
  Receipts(World& world, int rank, Pause pause, Clock clock)
      : detail::PutEnd<Pause, Clock>(world, rank, Channel::kReceipts, std::move(pause),
                                     std::move(clock)) {}

  // Returns when the source has put these bytes. They lie in World::window(rank()).
  [[nodiscard]] Status await_put(const RankGroup& group, std::uint64_t offset, std::uint64_t bytes,
                                 std::int64_t deadline_ns) {
    RankChannel& channel = this->channel_;
    const RankChannel::Occupied occupied(channel);
    if (channel.failure.status != Status::kOk) return channel.failure.status;
    const Notice own = this->notice(group, offset, bytes);
    if (const Status status = this->check(own, false); status != Status::kOk) return status;
    const int source = group.ranks[0];
    Ledger& ledger = channel.ledger;
    const Arrival arrival =
        await_notice(channel.port, ledger, source, own, this->watchdog(deadline_ns));
    if (arrival.status != Status::kOk)
      return channel.fail(arrival, Awaited::kNotice, source, ledger.awaited[source], own);
    if (this->world_.checksums()) {
      const std::uint64_t found = this->sum(own, this->world_.heap().window(this->rank()) + offset);
      if (found != arrival.notice->checksum)
        return channel.fail_corrupted(source, own, *arrival.notice, found);
    }
    acknowledge(channel.port, ledger, source);
    return Status::kOk;
  }
};

}  // namespace regroup::collectives
