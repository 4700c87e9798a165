#include "runtime/cuda/collectives/host_edges.hpp"

#include "core/errors.hpp"

namespace regroup::cuda {

using collectives::Channel;
using collectives::RankGroup;

namespace {

// Calls `visit` with every other member's rank. A rank that is no member does nothing: its kernels
// refuse the operation, and nobody waits for it.
template <class Visit>
void each_peer(const RankGroup& group, int rank, Visit visit) {
  if (group.position(rank) < 0) return;
  for (int i = 0; i < group.size; ++i)
    if (group.ranks[i] != rank) visit(group.ranks[i]);
}

}  // namespace

HostEdges::HostEdges(EdgeSignals* signals, collectives::Ledger* ledger, int rank, Channel channel)
    : signals_(signals), ledger_(ledger), rank_(rank), channel_(channel) {
  if (!spins()) signals_->open(rank_, channel_);
}

const RankGroup& HostEdges::group_of(const Operation& operation) const {
  RG_CHECK(operation.members.on_device == nullptr,
           "rank {}: a group in device memory, which only kernels know, needs sync mode spin",
           rank_);
  return operation.members.by_value;
}

void HostEdges::notices_out(cudaStream_t stream, const Operation& operation, int slot) {
  if (spins()) return;
  Edges edges;
  each_peer(group_of(operation), rank_, [&](int peer) {
    const std::uint64_t sequence = ++ledger_->published[peer];
    if (operation.moves()) ledger_->readers[slot][peer] = sequence;
    edges.add(peer, sequence);
  });
  signals_->raise(stream, rank_, channel_, Signal::kNotice, edges);
}

void HostEdges::await_notices(cudaStream_t stream, const Operation& operation) {
  if (spins()) return;
  Edges edges;
  each_peer(group_of(operation), rank_,
            [&](int peer) { edges.add(peer, ++ledger_->awaited[peer]); });
  signals_->await(stream, rank_, channel_, Signal::kNotice, edges);
}

void HostEdges::taken(cudaStream_t stream, const Operation& operation) {
  if (spins()) return;
  Edges edges;
  each_peer(group_of(operation), rank_, [&](int peer) { edges.add(peer, ledger_->awaited[peer]); });
  signals_->raise(stream, rank_, channel_, Signal::kTaken, edges);
}

void HostEdges::await_readers(cudaStream_t stream, int slot) {
  if (spins()) return;
  Edges edges;
  for (int peer = 0; peer < collectives::kMaxRanks; ++peer) {
    std::uint64_t& sequence = ledger_->readers[slot][peer];
    if (sequence == 0) continue;
    edges.add(peer, sequence);
    sequence = 0;
  }
  signals_->await(stream, rank_, channel_, Signal::kTaken, edges);
}

void HostEdges::await_free_cells(cudaStream_t stream, const Operation& operation) {
  if (spins()) return;
  Edges edges;
  each_peer(group_of(operation), rank_, [&](int peer) {
    if (ledger_->published[peer] >= 2) edges.add(peer, ledger_->published[peer] - 1);
  });
  signals_->await(stream, rank_, channel_, Signal::kTaken, edges);
}

void HostEdges::put_out(cudaStream_t stream, const Operation& operation) {
  if (spins()) return;
  Edges edges;
  each_peer(group_of(operation), rank_,
            [&](int peer) { edges.add(peer, ++ledger_->published[peer]); });
  signals_->raise(stream, rank_, channel_, Signal::kNotice, edges);
}

void HostEdges::await_put(cudaStream_t stream, const Operation& operation) {
  if (spins()) return;
  const RankGroup& group = group_of(operation);
  Edges edges;
  if (group.position(rank_) > 0) edges.add(group.ranks[0], ++ledger_->awaited[group.ranks[0]]);
  signals_->await(stream, rank_, channel_, Signal::kNotice, edges);
}

void HostEdges::put_taken(cudaStream_t stream, const Operation& operation) {
  if (spins()) return;
  const RankGroup& group = group_of(operation);
  Edges edges;
  if (group.position(rank_) > 0) edges.add(group.ranks[0], ledger_->awaited[group.ranks[0]]);
  signals_->raise(stream, rank_, channel_, Signal::kTaken, edges);
}

}  // namespace regroup::cuda
