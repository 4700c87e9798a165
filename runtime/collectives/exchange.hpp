// How the host carries out a collective. All of them are the same: announce one's own part, then
// take from every peer the block that block_of() names.
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
#include "runtime/collectives/tensor_blocks.hpp"
#include "runtime/collectives/waiting.hpp"
#include "runtime/collectives/world.hpp"

namespace regroup::collectives {

// What Collectives consists of; the contract is there.
template <class Pause, class Clock>
class Exchange {
 public:
  Exchange(World& world, int rank, Pause pause, Clock clock)
      : world_(world),
        channel_(world.channel(rank, Channel::kCollectives)),
        pause_(std::move(pause)),
        clock_(std::move(clock)) {}

  Status run(Op op, const RankGroup& group, const TensorShape& shape,
             std::span<const std::byte> input, std::span<std::byte> output,
             std::int64_t deadline_ns) {
    const RankChannel::Occupied occupied(channel_);
    if (failure().status != Status::kOk) return failure().status;
    Call call{{group, shape, 0, 0, op},
              group.position(rank()),
              input,
              output,
              {pause_, clock_, deadline_ns}};
    Status status = channel_.check_collective(call.notice, input.size(), output.size());
    if (status == Status::kOk) status = stage(call);
    if (status == Status::kOk) status = take_from_peers(call);
    return status;
  }

  int rank() const { return channel_.port.self; }
  const Failure& failure() const { return channel_.failure; }

 private:
  // One operation of this rank, under way.
  struct Call {
    Notice notice;
    int me;  // which member this rank is
    std::span<const std::byte> input;
    std::span<std::byte> output;
    Watchdog<Pause, Clock> watchdog;

    Block block(int to, int from) const {
      return block_of(notice.op, notice.shape, notice.group.size, to, from);
    }
  };

  // Puts the input where the peers can reach it, and tells them.
  Status stage(Call& call) {
    Ledger& ledger = channel_.ledger;
    const RankGroup& group = call.notice.group;
    const bool moves = call.notice.op != Op::kBarrier;
    const int slot = static_cast<int>(ledger.stagings % kStagingSlots);
    std::byte* const staged = world_.heap().staging(rank(), slot);
    if (moves) {
      if (const Status status = await_readers(call, slot); status != Status::kOk) return status;
      if (!call.input.empty()) std::memcpy(staged, call.input.data(), call.input.size());
      ++ledger.stagings;
      call.notice.offset = world_.heap().layout.staging_offset(slot);
    }
    for (int i = 0; i < group.size; ++i) {
      const int peer = group.ranks[i];
      if (i == call.me) continue;
      if (moves && world_.checksums()) {
        const Block block = call.block(i, call.me);
        call.notice.checksum = checksum(block, block.from, staged);
      }
      publish(channel_.port, ledger, peer, call.notice);
      if (moves) ledger.readers[slot][peer] = ledger.published[peer];
    }
    return Status::kOk;
  }

  // Of what this slot held last.
  Status await_readers(const Call& call, int slot) {
    for (int peer = 0; peer < world_.ranks(); ++peer) {
      std::uint64_t& sequence = channel_.ledger.readers[slot][peer];
      if (sequence == 0) continue;
      const Arrival arrival =
          await_acknowledgement(channel_.port, channel_.ledger, peer, sequence, call.watchdog);
      if (arrival.status != Status::kOk)
        return channel_.fail(arrival, Awaited::kAcknowledgement, peer, sequence, call.notice);
      sequence = 0;
    }
    return Status::kOk;
  }

  // Every member begins with its successor, so that not all read from the same one.
  Status take_from_peers(const Call& call) {
    const Block self = call.block(call.me, call.me);
    copy_block(self, call.input.data(), call.output.data());
    const RankGroup& group = call.notice.group;
    for (int i = 1; i < group.size; ++i) {
      const int member = (call.me + i) % group.size;
      if (const Status status = take_from(call, member); status != Status::kOk) return status;
    }
    return Status::kOk;
  }

  Status take_from(const Call& call, int member) {
    const int peer = call.notice.group.ranks[member];
    Ledger& ledger = channel_.ledger;
    const Arrival arrival = await_notice(channel_.port, ledger, peer, call.notice, call.watchdog);
    if (arrival.status != Status::kOk)
      return channel_.fail(arrival, Awaited::kNotice, peer, ledger.awaited[peer], call.notice);
    if (call.notice.op == Op::kBarrier) return Status::kOk;
    const Block block = call.block(call.me, member);
    copy_block(block, world_.heap().region(peer) + arrival.notice->offset, call.output.data());
    if (world_.checksums()) {
      const std::uint64_t found = checksum(block, block.to, call.output.data());
      if (found != arrival.notice->checksum)
        return channel_.fail_corrupted(peer, call.notice, *arrival.notice, found);
    }
    acknowledge(channel_.port, ledger, peer);
    return Status::kOk;
  }

  World& world_;
  RankChannel& channel_;
  Pause pause_;
  Clock clock_;
};

}  // namespace regroup::collectives
