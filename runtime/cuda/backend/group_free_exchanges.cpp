#include "runtime/cuda/backend/group_free_exchanges.hpp"

#include "runtime/collectives/describe.hpp"

namespace regroup::cuda {
namespace {

const collectives::RankGroup& group_of(const StepParameters& parameters, Among among) {
  switch (among) {
    case Among::kBranch:
      return parameters.branch;
    case Among::kPair:
      return parameters.pair;
    case Among::kAll:
      break;
  }
  return parameters.all;
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

void GroupFreeExchanges::barrier(cudaStream_t stream) { collectives_.barrier(stream, groups_.all); }

std::string GroupFreeExchanges::failure() const {
  const collectives::Failure* failure =
      world_.failure(collectives_.rank(), collectives::Channel::kCollectives);
  return failure == nullptr ? std::string() : collectives::describe(*failure);
}

}  // namespace regroup::cuda
