#include "runtime/cuda/nccl/nccl_exchanges.hpp"

#include "core/errors.hpp"

namespace regroup::cuda {

using collectives::RankGroup;

NcclExchanges::NcclExchanges(NcclIssuer& issuer, const Machine& machine, int local,
                             std::uint64_t output_bytes)
    : issuer_(issuer),
      machine_(machine),
      local_(local),
      outgoing_(parcel_memory(machine.heap().layout.slot_bytes), "parcels to send by NCCL"),
      incoming_(parcel_memory(output_bytes), "parcels that NCCL receives"),
      arrived_(collectives::kMaxRanks, "a barrier of NCCL") {}

void NcclExchanges::set_groups(const RankGroup& branch, const RankGroup& pair) {
  branch_ = branch;
  pair_ = pair;
}

std::byte* NcclExchanges::staging(int slot) { return machine_.heap().staging(local_, slot); }

void NcclExchanges::reserve(cudaStream_t, int) {}

void NcclExchanges::exchange(cudaStream_t stream, const Exchange& exchange) {
  const RankGroup& group = exchange.among == Among::kPair ? pair_ : branch_;
  const int me = group.position(issuer_.world_rank(local_));
  RG_CHECK(me >= 0, "rank {} is no member of the group that it exchanges with", local_);
  const Transfer transfer{exchange.op, exchange.shape, group.size, me};
  RG_CHECK(parcel_bytes(transfer, Way::kOut) <= outgoing_.bytes() &&
               parcel_bytes(transfer, Way::kIn) <= incoming_.bytes(),
           "parcels of {} bytes out and {} in: there is memory for {} and {}",
           parcel_bytes(transfer, Way::kOut), parcel_bytes(transfer, Way::kIn), outgoing_.bytes(),
           incoming_.bytes());
  const std::byte* const input = staging(exchange.slot);
  launch_pack(stream, transfer, input, outgoing_.data(), exchange.output);
  if (group.size > 1) {
    issuer_.issue(local_, {group, exchange.op, exchange.shape, stream, input, outgoing_.data(),
                           incoming_.data(), exchange.output});
    launch_unpack(stream, transfer, incoming_.data(), exchange.output);
  }
}

void NcclExchanges::barrier(cudaStream_t stream, const RankGroup& group) {
  if (group.size > 1)
    issuer_.issue(
        local_,
        {group, collectives::Op::kBarrier, {}, stream, nullptr, nullptr, arrived_.data(), nullptr});
}

}  // namespace regroup::cuda
