// A step's exchanges by NCCL: the baseline to measure group-free collectives against.
#pragma once

#include "runtime/cuda/backend/rank_exchanges.hpp"
#include "runtime/cuda/nccl/nccl_exchanges.hpp"

namespace regroup::cuda {

// What fails is kept for failure(), and nothing more is enqueued until rearm(), as the kernels of
// group-free collectives do it.
class NcclRankExchanges final : public RankExchanges {
 public:
  // As NcclExchanges.
  NcclRankExchanges(NcclIssuer& issuer, const Machine& machine, int rank,
                    std::uint64_t output_bytes)
      : issuer_(issuer), exchanges_(issuer, machine, rank, output_bytes) {}

  std::byte* staging(int slot) override { return exchanges_.staging(slot); }
  void reserve(cudaStream_t stream, int slot) override { exchanges_.reserve(stream, slot); }
  void exchange(cudaStream_t stream, const Exchange& exchange) override;
  void set_groups(const StepParameters& parameters) override {
    exchanges_.set_groups(parameters.branch, parameters.pair);
  }
  void barrier(cudaStream_t stream, const collectives::RankGroup& group) override;
  bool capturable() const override { return false; }
  std::string failure() const override;
  void rearm() override { failure_.clear(); }

 private:
  NcclIssuer& issuer_;
  NcclExchanges exchanges_;
  std::string failure_;
};

}  // namespace regroup::cuda
