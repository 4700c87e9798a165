// A step's exchanges by group-free collectives.
#pragma once

#include "runtime/cuda/backend/rank_exchanges.hpp"
#include "runtime/cuda/collectives/device_collectives.hpp"

namespace regroup::cuda {

// Where kernels wait for each other (SyncMode::kSpin) they read the groups of a step's exchanges
// from `parameters`, on the device, so that graphs serve every group; else the host tells them.
class GroupFreeExchanges final : public RankExchanges {
 public:
  // All must outlive it.
  GroupFreeExchanges(DeviceWorld& world, int rank, const StepParameters* parameters);

  std::byte* staging(int slot) override { return collectives_.staging(slot); }
  void reserve(cudaStream_t stream, int slot) override { collectives_.reserve(stream, slot); }
  void exchange(cudaStream_t stream, const Exchange& exchange) override;
  void set_groups(const StepParameters& parameters) override { groups_ = parameters; }
  void barrier(cudaStream_t stream, const collectives::RankGroup& group) override {
    collectives_.barrier(stream, group);
  }
  bool capturable() const override { return indirect_; }
  std::string failure() const override;

 private:
  Membership members(Among among) const;

  DeviceWorld& world_;
  DeviceCollectives collectives_;
  const StepParameters* on_device_;
  StepParameters groups_;
  bool indirect_;
};

}  // namespace regroup::cuda
