// What happens on one edge between two ranks. A thread of the host does its edges one after
// another, a kernel has a lane for each.
//
// Both ends count the operations of their edge. The n-th notice goes into cell n % 2 with the stamp
// (epoch, n); the peer waits for exactly this stamp, and so always compares its own n-th operation
// with the other's n-th. Overwriting is safe without asking: rank a writes notice n + 2 only after
// it has seen b's notice n + 1, which b wrote after it had read a's notice n. A put, where one side
// only writes, waits for acknowledgement n instead.
//
// Nobody waits before having published to all peers, so one operation alone cannot deadlock. Many
// cannot if every rank's order of operations is part of one order of all (its proof: the first
// unfinished operation of that order is next at each of its members).
#pragma once

#include "runtime/collectives/failure.hpp"
#include "runtime/collectives/heap.hpp"
#include "runtime/collectives/host_device.hpp"
#include "runtime/collectives/waiting.hpp"

namespace regroup::collectives {

// What one rank remembers of one channel. Written by this rank only; no peer reads it.
struct Ledger {
  std::uint64_t epoch = 1;                  // how often the world was armed
  std::uint64_t published[kMaxRanks] = {};  // notices to each peer in this epoch
  std::uint64_t awaited[kMaxRanks] = {};    // notices from each peer
  std::uint64_t stagings = 0;               // the next one takes slot stagings % kStagingSlots
  std::uint64_t readers[kStagingSlots][kMaxRanks] = {};  // notices that announced the slot; 0: none
};

// Where one rank stands in one channel.
struct Port {
  Heap heap;
  Channel channel = Channel::kCollectives;
  int self = 0;

  RG_HOST_DEVICE Edge& to(int peer) const { return edge(peer, self); }
  RG_HOST_DEVICE Edge& from(int peer) const { return edge(self, peer); }

 private:
  RG_HOST_DEVICE Edge& edge(int owner, int source) const {
    return heap.pad(owner).edges[edge_set(channel)][source];
  }
};

// A million epochs; 1.7e13 operations an edge in each, half a year at one a microsecond. An older
// epoch's stamp is smaller than all of this one's, so re-arming clears nothing.
inline constexpr int kSequenceBits = 44;
RG_HOST_DEVICE constexpr std::uint64_t stamp(const Ledger& ledger, std::uint64_t sequence) {
  return ledger.epoch << kSequenceBits | sequence;
}

// Announces this rank's next operation with `peer`.
RG_HOST_DEVICE inline void publish(const Port& port, Ledger& ledger, int peer,
                                   const Notice& notice) {
  const std::uint64_t sequence = ++ledger.published[peer];
  Cell& cell = port.to(peer).cells[sequence % 2];
  cell.notice = notice;
  store_release(cell.stamp, stamp(ledger, sequence));
}

// Tells `peer`, whether it waits now or will some day of this epoch, not to wait for this rank.
RG_HOST_DEVICE inline void raise_alarm(const Port& port, const Ledger& ledger, int peer,
                                       Status status, int accused) {
  const auto why = static_cast<std::uint64_t>(status) << 8 | static_cast<std::uint64_t>(accused);
  store_release(port.to(peer).alarm, stamp(ledger, why));
}

// Tells all ranks of the world: not only the members, for whoever has work with this rank later
// must not wait for it either.
RG_HOST_DEVICE inline void raise_alarms(const Port& port, const Ledger& ledger, Status status,
                                        int accused) {
  for (int peer = 0; peer < port.heap.layout.world; ++peer)
    if (peer != port.self) raise_alarm(port, ledger, peer, status, accused);
}

// The end of a wait. `peer_status` and `accused` are what an alarm said (kAborted).
struct Arrival {
  Status status = Status::kOk;
  Status peer_status = Status::kOk;
  int accused = 0;
  const Notice* notice = nullptr;  // if it is there: valid until this rank's next publish()
};

// What an arrival that is not kOk, on the edge to `peer`, is to this rank's operation `own`.
RG_HOST_DEVICE inline Failure failure_of(const Port& port, const Arrival& arrival, Awaited awaited,
                                         int peer, std::uint64_t sequence, const Notice& own) {
  Failure failure;
  failure.status = arrival.status;
  failure.awaited = awaited;
  failure.channel = port.channel;
  failure.rank = static_cast<std::uint8_t>(port.self);
  failure.peer = static_cast<std::uint8_t>(peer);
  failure.peer_status = arrival.peer_status;
  failure.accused = static_cast<std::uint8_t>(arrival.accused);
  failure.sequence = sequence;
  failure.own = own;
  if (arrival.notice != nullptr) failure.theirs = *arrival.notice;
  return failure;
}

namespace detail {

// kAborted if `peer` has raised an alarm in this epoch.
RG_HOST_DEVICE inline Arrival heed_alarm(const Port& port, const Ledger& ledger, int peer) {
  const std::uint64_t alarm = load_acquire(port.from(peer).alarm);
  if (alarm >> kSequenceBits != ledger.epoch) return {};
  return {Status::kAborted, static_cast<Status>(alarm >> 8 & 0xff), static_cast<int>(alarm & 0xff),
          nullptr};
}

// Looks at `word` until `arrived(word)`, an alarm on the same edge, or the deadline.
template <class Arrived, class Watchdog>
RG_HOST_DEVICE Arrival await(const Port& port, const Ledger& ledger, int peer, std::uint64_t& word,
                             Arrived arrived, Watchdog watchdog) {
  for (;;) {
    if (arrived(load_acquire(word))) return {};
    const Arrival alarm = heed_alarm(port, ledger, peer);
    if (alarm.status != Status::kOk) return alarm;
    if (!watchdog.look_again()) return {Status::kTimeout, Status::kOk, 0, nullptr};
  }
}

}  // namespace detail

// Waits until `peer` enters its next operation with this rank, and checks that it is `own`.
template <class Watchdog>
RG_HOST_DEVICE Arrival await_notice(const Port& port, Ledger& ledger, int peer, const Notice& own,
                                    Watchdog watchdog) {
  const std::uint64_t sequence = ++ledger.awaited[peer];
  const std::uint64_t expected = stamp(ledger, sequence);
  Cell& cell = port.from(peer).cells[sequence % 2];
  Arrival arrival = detail::await(
      port, ledger, peer, cell.stamp, [expected](std::uint64_t seen) { return seen == expected; },
      watchdog);
  if (arrival.status != Status::kOk) return arrival;
  // The peer may have entered and then given up: who comes too late shall fail as well. But if the
  // two disagree, that is what went wrong, whoever noticed first.
  if (same_operation(own, cell.notice))
    arrival = detail::heed_alarm(port, ledger, peer);
  else
    arrival.status = Status::kMismatch;
  arrival.notice = &cell.notice;
  return arrival;
}

// Tells `peer` that what its latest notice announced has been taken.
RG_HOST_DEVICE inline void acknowledge(const Port& port, const Ledger& ledger, int peer) {
  store_release(port.to(peer).acknowledged, stamp(ledger, ledger.awaited[peer]));
}

// Waits until `peer` has taken what this rank announced to it as number `sequence`.
template <class Watchdog>
RG_HOST_DEVICE Arrival await_acknowledgement(const Port& port, const Ledger& ledger, int peer,
                                             std::uint64_t sequence, Watchdog watchdog) {
  const std::uint64_t wanted = stamp(ledger, sequence);
  return detail::await(
      port, ledger, peer, port.from(peer).acknowledged,
      [wanted](std::uint64_t seen) { return seen >= wanted; }, watchdog);
}

}  // namespace regroup::collectives
