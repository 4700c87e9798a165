// collectives=nccl: the exchanges of a step through NCCL, as the baseline to measure against and
// where group-free collectives do not reach.
#pragma once

#include "runtime/cuda/dit/exchanges.hpp"
#include "runtime/cuda/gpu/device_memory.hpp"
#include "runtime/cuda/nccl/nccl_issuer.hpp"

namespace regroup::cuda {

// One rank's, used by its thread, always with the same stream. A call returns when all members'
// threads have made theirs; it cannot be captured into a CUDA graph. Throws NcclError.
class NcclExchanges final : public Exchanges {
 public:
  // Slots are those of the machine's heap. Allocates memory for parcels, in the current context:
  // `output_bytes` is the largest output of an exchange.
  NcclExchanges(NcclIssuer& issuer, const Machine& machine, int local, std::uint64_t output_bytes);

  // Who the members are from now on. Ranks as NcclWorld counts them.
  void set_groups(const collectives::RankGroup& branch, const collectives::RankGroup& pair);

  std::byte* staging(int slot) override;
  // Nothing to wait for: what was sent from a slot has left it when the stream goes on.
  void reserve(cudaStream_t stream, int slot) override;
  void exchange(cudaStream_t stream, const Exchange& exchange) override;
  void barrier(cudaStream_t stream, const collectives::RankGroup& group);

 private:
  NcclIssuer& issuer_;
  const Machine& machine_;
  int local_;
  DeviceBuffer outgoing_, incoming_, arrived_;
  collectives::RankGroup branch_, pair_;
};

}  // namespace regroup::cuda
