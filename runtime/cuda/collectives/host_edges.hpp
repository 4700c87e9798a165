// The host's part where kernels do not wait: it counts along with one rank's channel and has the
// stream wait in their stead (edge_signals.hpp). In SyncMode::kSpin all of it does nothing.
#pragma once

#include "runtime/collectives/protocol.hpp"
#include "runtime/cuda/collectives/device_rank.hpp"
#include "runtime/cuda/collectives/edge_signals.hpp"

namespace regroup::cuda {

class HostEdges {
 public:
  // signals null: SyncMode::kSpin. Both outlive this.
  HostEdges(EdgeSignals* signals, collectives::Ledger* ledger, int rank,
            collectives::Channel channel);

  // Whether kernels wait themselves, and no call below does anything.
  bool spins() const { return signals_ == nullptr; }

  // Collectives. InternalError in all but kSpin: members that the host does not know.
  void notices_out(cudaStream_t stream, const Operation& operation, int slot);
  void await_notices(cudaStream_t stream, const Operation& operation);
  void taken(cudaStream_t stream, const Operation& operation);
  void await_readers(cudaStream_t stream, int slot);

  // Puts: the source.
  void await_free_cells(cudaStream_t stream, const Operation& operation);
  void put_out(cudaStream_t stream, const Operation& operation);
  // And a receiver.
  void await_put(cudaStream_t stream, const Operation& operation);
  void put_taken(cudaStream_t stream, const Operation& operation);

 private:
  const collectives::RankGroup& group_of(const Operation& operation) const;

  EdgeSignals* signals_;
  collectives::Ledger* ledger_;
  int rank_;
  collectives::Channel channel_;
};

}  // namespace regroup::cuda
