#include "runtime/cuda/backend/group_free_exchanges.hpp"

#include "runtime/collectives/describe.hpp"

namespace regroup::cuda {
namespace {

const collectives::RankGroup& group_of(const StepParameters& parameters, Among among) {
  return among == Among::kPair ? parameters.pair : parameters.branch;
}

}  // namespace

GroupFreeExchanges::GroupFreeExchanges(DeviceWorld& world, int rank,
                                       const StepParameters* parameters)
    : world_(world),
      collectives_(world, rank),
      on_device_(parameters),
      indirect_(world.options().sync == SyncMode::kSpin) {}

Membership GroupFreeExchanges::members(Among among) const {
  if (indirect_) return &group_of(*on_device_, among);
  return group_of(groups_, among);
}

void GroupFreeExchanges::exchange(cudaStream_t stream, const Exchange& exchange) {
  collectives_.exchange(stream, exchange.op, members(exchange.among), exchange.shape, exchange.slot,
                        exchange.output);
}

std::string GroupFreeExchanges::failure() const {
  const collectives::Failure* failure =
      world_.failure(collectives_.rank(), collectives::Channel::kCollectives);
  return failure == nullptr ? std::string() : collectives::describe(*failure);
}

}  // namespace regroup::cuda
